using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Fused attention on the CPU device.</summary>
internal sealed unsafe class CpuAttention(AttentionProblem p, SimdWorkers workers) : Executable<AttentionTensors>
{
    private readonly ScoreArgs score = SimdArgs.Score(p);

    public override string Explain() => $"SimdAttention, fused: query tiles in {workers.Describe()}{p.InsteadOfPrecision}";

    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel) =>
        SimdAttention.Run(Args(t), workers, cancel);

    /// <summary>A run with a score modifier.</summary>
    public void Run(in AttentionTensors t, in ModifierArgs modifier, CancellationToken cancel)
    {
        AttentionArgs args = Args(t);
        args.Score.Modifier = modifier;
        SimdAttention.Run(args, workers, cancel);
    }

    /// <summary>The kernel's arguments for the tensors of one run.</summary>
    public AttentionArgs Args(in AttentionTensors t)
    {
        AttentionArgs args = new()
        {
            Batch = p.Batch,
            HeadsQ = p.HeadsQ,
            HeadsKv = p.HeadsKv,
            SeqQ = p.SeqQ,
            SeqKv = p.SeqKv,
            HeadDim = p.HeadDim,
            HeadDimV = p.HeadDimV,
            Type = p.Type,
            Q = SimdArgs.Heads(t.Q),
            K = SimdArgs.Heads(t.K),
            V = SimdArgs.Heads(t.V),
            Keys = SimdArgs.Keys(p, t),
            O = SimdArgs.Heads(t.O),
            Lse = (float*)SimdArgs.Data(t.Lse),
            Score = score,
            Sequences = SimdArgs.Sequences(p, t),
            Vectors = SimdArgs.Vectors(p, t),
        };
        SimdArgs.Fill(ref args.Score, t.KeyLengths, t.Score);
        return args;
    }
}
