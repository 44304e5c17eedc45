using AttnKernels.Bench.Data;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Peers;

/// <summary>For peers that know windows and key lengths only as a boolean mask.</summary>
internal static class VisibleKeys
{
    /// <summary>(seqQ, seqKv): 1 where the band, the key length of entry 0 and the mask let a query see a key.</summary>
    public static HostTensor Of(AttentionProblem p, AttentionInput input)
    {
        var visible = new float[p.SeqQ * p.SeqKv];
        int length = input.KeyLengths is { } lengths ? (int)lengths.Values[0] : p.SeqKv;
        int shift = p.Band.ShiftFor(p.SeqQ, length);
        for (int i = 0; i < p.SeqQ; i++)
            for (int j = p.Band.First(i, shift); j < p.Band.End(i, shift, length); j++)
                visible[i * p.SeqKv + j] = input.Mask is { } mask && mask.Values[i * p.SeqKv + j] == 0 ? 0 : 1;
        return new HostTensor(DType.Bool, visible, p.SeqQ, p.SeqKv);
    }
}
