namespace AttnKernels;

/// <summary>
/// How fp32 inputs are multiplied, for devices with tensor cores, which take no fp32. Where there is no such kernel, fp32 arithmetic runs,
/// which is at least as exact; Explain says which.
/// </summary>
public enum InputPrecision
{
    /// <summary>As fp32.</summary>
    Ieee,

    /// <summary>
    /// As two parts of TF32 each, three products for one: within the error bound of fp32 for sums of 32 terms and more, and for shorter
    /// ones that of 32. An infinite element, or one that rounds to infinity, counts as NaN.
    /// </summary>
    Tf32x3,

    /// <summary>
    /// Rounded to the 11 significant bits of TF32, one product for one, for matmul only. Every product of elements a and b may be off by
    /// 2^-10 |a b|, which no sum makes smaller, and sums are truncated, as those of fp16 are. An element that rounds to infinity counts as
    /// infinite.
    /// </summary>
    Tf32,
}
