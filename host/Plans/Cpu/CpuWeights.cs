using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Attention weights of chosen rows on the CPU device.</summary>
internal sealed unsafe class CpuWeights(WeightsProblem p, SimdWorkers workers) : Executable<WeightsTensors>
{
    private readonly CpuAttention attention = new(p.Attention, workers);

    public override string Explain() => $"SimdWeights: stretches of keys in {workers.Describe()}";

    public override void Run(in WeightsTensors t, DeviceStream stream, CancellationToken cancel) => Run(t, default(ModifierArgs), cancel);

    /// <summary>A run with a score modifier, or none.</summary>
    public void Run(in WeightsTensors t, in ModifierArgs modifier, CancellationToken cancel)
    {
        WeightsArgs args = new()
        {
            Attention = attention.Args(t.Attention),
            Count = p.Rows,
            Rows = (int*)SimdArgs.Data(t.Rows),
            RowsStride = t.Rows.Stride(0),
            P = (float*)SimdArgs.Data(t.P),
            PStride = t.P.Stride(0),
        };
        args.Attention.Score.Modifier = modifier;
        SimdWeights.Run(args, workers, cancel);
    }
}
