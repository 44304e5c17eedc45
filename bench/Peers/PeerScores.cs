using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Peers;

/// <summary>
/// Which variants of the score the C# and BLAS peers compute: plain, causal, a window; the others are left to the full products.
/// </summary>
internal static class PeerScores
{
    /// <summary>Why a peer that knows only bands of keys cannot compute <paramref name="workload"/>; null where it can.</summary>
    public static string? Refusal(Workload workload)
    {
        if (workload.Type != DType.Float32) return "fp32 only";
        if (workload is not AttentionWorkload { Problem: var p }) return null;
        if (p.Softcap > 0 || p.Bias || p.Mask || p.KeyLengths || p.Alibi) return "plain, causal and window only";
        return null;
    }

    /// <summary>The keys [First, End) that query row <paramref name="row"/> sees.</summary>
    public static (int First, int End) Visible(KeyBand band, int row, int seqQ, int seqKv)
    {
        int shift = band.ShiftFor(seqQ, seqKv);
        return (Math.Min(band.First(row, shift), seqKv), band.End(row, shift, seqKv));
    }
}
