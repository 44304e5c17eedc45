using AttnKernels.Bench.Workloads;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Data;

/// <summary>Q (batch, headsQ, seqQ, headDim), K, V and the optional tensors of a problem.</summary>
public sealed class AttentionInput : WorkloadInput
{
    /// <summary>The share of true in a boolean mask: dense enough that no tile is empty.</summary>
    private const double MaskDensity = 0.875;

    /// <summary>(batch, headsQ, seqQ, headDim)</summary>
    public required HostTensor Q { get; init; }

    /// <summary>(batch, headsKv, seqKv, headDim)</summary>
    public required HostTensor K { get; init; }

    /// <summary>(batch, headsKv, seqKv, headDimV)</summary>
    public required HostTensor V { get; init; }

    /// <summary>(1, 1, seqQ, seqKv), 1 = attend.</summary>
    public HostTensor? Mask { get; init; }

    /// <summary>(1, 1, seqQ, seqKv)</summary>
    public HostTensor? Bias { get; init; }

    /// <summary>(batch)</summary>
    public HostTensor? KeyLengths { get; init; }

    /// <summary>(headsQ)</summary>
    public HostTensor? AlibiSlopes { get; init; }

    internal static AttentionInput Create(AttentionWorkload workload, int seed)
    {
        AttentionProblem p = workload.Problem;
        return new AttentionInput
        {
            Q = Normal(seed, Stream.First, p.Type, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim),
            K = Normal(seed, Stream.Second, p.Type, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDim),
            V = Normal(seed, Stream.Third, p.Type, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDimV),
            Mask = p.Mask ? new Seeded((ulong)seed).Booleans((int)Stream.Mask, MaskDensity, 1, 1, p.SeqQ, p.SeqKv) : null,
            Bias = p.Bias ? Normal(seed, Stream.Bias, DType.Float32, 1, 1, p.SeqQ, p.SeqKv) : null,
            KeyLengths = p.KeyLengths ? Filled(DType.Int32, p.Batch, _ => workload.KeyLength) : null,
            // The slopes of the ALiBi paper for a power of two heads: 2^(-8/n), 2^(-16/n), ...
            AlibiSlopes = p.Alibi ? Filled(DType.Float32, p.HeadsQ, h => MathF.Pow(2, -8f * (h + 1) / p.HeadsQ)) : null,
        };
    }

    private static HostTensor Filled(DType type, int count, Func<int, float> value) =>
        new(type, [.. Enumerable.Range(0, count).Select(value)], count);
}
