namespace AttnKernels;

/// <summary>
/// A function applied to every element of a product. NaN stays NaN; where a formula gives NaN for an infinity (-inf for GELU and SiLU), so
/// does the result.
/// </summary>
public enum Activation
{
    /// <summary>f(x) = x.</summary>
    None,

    /// <summary>f(x) = max(x, 0). ONNX Relu, PyTorch relu.</summary>
    Relu,

    /// <summary>
    /// f(x) = x Phi(x) = x (1 + erf(x / sqrt(2))) / 2 (Hendrycks and Gimpel 2016). ONNX Gelu and PyTorch gelu with approximate = "none".
    /// </summary>
    Gelu,

    /// <summary>
    /// f(x) = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (Hendrycks and Gimpel 2016). ONNX Gelu and PyTorch gelu with approximate =
    /// "tanh".
    /// </summary>
    GeluTanh,

    /// <summary>f(x) = x / (1 + exp(-x)) (Elfwing, Uchibe and Doya 2017). PyTorch silu, ONNX Swish with alpha = 1.</summary>
    Silu,
}

/// <summary>Constants of the functions, for CPU and device kernels alike.</summary>
internal static class ActivationConstants
{
    /// <summary>
    /// 2 Phi(-a) = exp(-a^2 / 2) t (C1 + t (C2 + ..)) with t = 1 / (1 + T a), for a &gt;= 0. A weighted least-maximum fit on [0, 8]: a
    /// Phi(-a) is off by 4.5e-8 at most, 0.75 roundings of 1, and Phi(-a) by 5e-5 of itself.
    /// </summary>
    public const float T = 0.3f, C1 = 0.23986877f, C2 = 0.22858235f, C3 = 0.28941192f, C4 = -0.042871149f, C5 = 0.44439256f,
        C6 = -0.15938855f;

    /// <summary>2 sqrt(2 / pi): (1 + tanh(y / 2)) / 2 = 1 / (1 + exp(-y)).</summary>
    public const float TanhScale = 1.59576912f;

    public const float TanhCubic = 0.044715f * TanhScale;

    public const float Log2E = 1.44269504f;
}
