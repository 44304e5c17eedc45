using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Rotary embedding on the CPU device.</summary>
internal sealed unsafe class CpuRotary(RotaryProblem p, SimdWorkers workers) : Executable<RotaryTensors>
{
    public override string Explain() => $"SimdRotary, {workers.Threads} threads";

    public override void Run(in RotaryTensors t, DeviceStream stream, CancellationToken cancel)
    {
        SimdArgs.CheckRange(nameof(t.Positions), t.Positions, p.MaxPosition - 1);
        RotaryArgs args = new()
        {
            Batch = p.Batch,
            Heads = p.Heads,
            Seq = p.Seq,
            HeadDim = p.HeadDim,
            RotaryDim = p.RotaryDim,
            Interleaved = p.Interleaved,
            Type = p.Type,
            AngleType = p.AngleType,
            X = SimdArgs.Heads(t.X),
            Y = SimdArgs.Heads(t.Y),
            Cos = Angles(t.Cos),
            Sin = Angles(t.Sin),
            Positions = (int*)SimdArgs.Data(t.Positions),
        };
        SimdRotary.Run(args, workers, cancel);
    }

    private static HeadTensor Angles(in TensorView view) =>
        new() { Data = SimdArgs.Data(view), BatchStride = view.Stride(0), RowStride = view.Stride(1) };
}
