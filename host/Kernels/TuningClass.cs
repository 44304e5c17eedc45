using System.Numerics;

namespace AttnKernels.Kernels;

/// <summary>
/// The names under which measurements are kept: problems of one class are taken to be fastest with the same tile. A plan takes what was
/// measured of its own class, never of one nearby.
/// </summary>
internal static class TuningClass
{
    /// <summary>Sizes, types and layouts: "64x4096x14336 Float16 to Float16 NT, batch 1".</summary>
    public static string Of(MatmulProblem p) =>
        $"{p.M}x{p.N}x{p.K} {p.TypeA}{Precision(p.InputPrecision)} to {p.TypeC} " +
        $"{(p.TransposeA ? "T" : "N")}{(p.TransposeB ? "T" : "N")}, batch {(long)p.Batch0 * p.Batch1}";

    /// <summary>
    /// Which kernel it is (type, head sizes, where keys lie, whether scores are looked up pair by pair), its heads, and how much of the
    /// scores is visible: "attention Float16 D128 H16, to 4096 queries of 4096 keys, causal". Lengths, and the width of a window,
    /// change from prompt to prompt, so they are rounded up to powers of two. Where the diagonal lies, key lengths and LSE do not count.
    /// </summary>
    public static string Of(AttentionProblem p)
    {
        string dim = p.HeadDimV == p.HeadDim ? $"D{p.HeadDim}" : $"D{p.HeadDim} Dv{p.HeadDimV}";
        string heads = $"H{(long)p.Batch * p.HeadsQ}{(p.HeadsQ == p.HeadsKv ? "" : $" ({p.HeadsQ / p.HeadsKv} a key head)")}";
        string keys = p.HasPlainKeys ? "keys" : p.HasPackedPlainKeys ? "packed keys" : "keys looked up";
        return $"attention {p.Type}{Precision(p.InputPrecision)} {dim} {heads}, to {Rounded(p.SeqQ)} queries of {Rounded(p.SeqKv)} {keys}" +
            $"{Band(p)}{(GeneralBinding.IsNeeded(p) ? ", scores pair by pair" : "")}";
    }

    private static string Band(AttentionProblem p)
    {
        KeyBand band = p.Band;
        if (band.Left >= KeyBand.Unlimited) return band.Right >= KeyBand.Unlimited ? "" : ", causal";
        return $", window to {Rounded(Math.Min(p.SeqKv, (long)band.Left + band.Right + 1))}";
    }

    private static string Precision(InputPrecision precision) => precision == InputPrecision.Ieee ? "" : $" as {precision}";

    private static uint Rounded(long length) => BitOperations.RoundUpToPowerOf2((uint)length);
}
