using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Softmax on the CPU device.</summary>
internal sealed unsafe class CpuSoftmax(SoftmaxProblem p, SimdWorkers workers) : Executable<SoftmaxTensors>
{
    private readonly ScoreArgs score = SimdArgs.Score(p);

    public override string Explain() => $"SimdSoftmax: rows in {workers.Describe()}";

    public override void Run(in SoftmaxTensors t, DeviceStream stream, CancellationToken cancel) => Run(t, default, cancel);

    public void Run(in SoftmaxTensors t, in ModifierArgs modifier, CancellationToken cancel)
    {
        SoftmaxArgs args = new()
        {
            Batch = p.Batch,
            Heads = p.Heads,
            Rows = p.Rows,
            Columns = p.Columns,
            TypeX = p.Type,
            TypeY = p.OutputType,
            X = SimdArgs.Heads(t.X),
            Y = SimdArgs.Heads(t.Y),
            Lse = (float*)SimdArgs.Data(t.Lse),
            Log = p.Log,
            Scores = p.Scores,
            Score = score,
        };
        SimdArgs.Fill(ref args.Score, t.KeyLengths, t.Score);
        args.Score.Modifier = modifier;
        SimdSoftmax.Run(args, workers, cancel);
    }
}
