using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated rotary embedding with its kernel.</summary>
public sealed class RotaryPlan : Plan<RotaryProblem, RotaryTensors>
{
    private static readonly string[] Names = ["Y", "X", "Cos", "Sin", "Positions"];

    internal RotaryPlan(AttentionDevice device, RotaryProblem problem, Executable<RotaryTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in RotaryTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        RotaryTensors t = Check(tensors);
        TensorView x = Overlap.Same(t.X, t.Y) ? default : t.X;
        Launch(t, [t.Y, x, t.Cos, t.Sin, t.Positions], Names, outputs: 1, queue, cancel);
    }

    private RotaryTensors Check(in RotaryTensors t)
    {
        RotaryProblem p = Problem;
        TensorCheck check = new(Device);
        RotaryTensors checkedTensors = new()
        {
            X = check.Rows(nameof(t.X), t.X, p.Type, p.Batch, p.Heads, p.Seq, p.HeadDim),
            Y = check.Rows(nameof(t.Y), t.Y, p.Type, p.Batch, p.Heads, p.Seq, p.HeadDim),
            Cos = Angles(check, nameof(t.Cos), t.Cos),
            Sin = Angles(check, nameof(t.Sin), t.Sin),
            Positions = p.HasPositions ? check.Dense(nameof(t.Positions), t.Positions, DType.Int32, p.Batch, p.Seq) : default,
        };
        if (!p.HasPositions) check.Absent(nameof(t.Positions), t.Positions, nameof(p.HasPositions));
        TensorCheck.RequireDistinct(nameof(t.Y), checkedTensors.Y);
        return checkedTensors;
    }

    /// <summary>As (batch, rows, rotaryDim / 2), where the batch repeats if there are positions.</summary>
    private TensorView Angles(TensorCheck check, string name, in TensorView view)
    {
        RotaryProblem p = Problem;
        int pairs = p.RotaryDim / 2;
        return p.HasPositions
            ? check.Dense(name, view, p.AngleType, p.MaxPosition, pairs).PadTo(3).BroadcastTo(p.Batch, p.MaxPosition, pairs)
            : check.Broadcast(name, view, p.AngleType, p.Batch, p.Seq, pairs);
    }
}
