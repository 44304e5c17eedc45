using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated merge of partial attention results with its kernel.</summary>
public sealed class MergePlan : Plan<MergeProblem, MergeTensors>
{
    private static readonly string[] Names = ["O", "Lse", "PartsO", "PartsLse"];

    internal MergePlan(AttentionDevice device, MergeProblem problem, Executable<MergeTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in MergeTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        MergeTensors t = Check(tensors);
        Launch(t, [t.O, t.Lse, t.PartsO, t.PartsLse], Names, outputs: 2, queue, cancel);
    }

    private MergeTensors Check(in MergeTensors t)
    {
        MergeProblem p = Problem;
        TensorCheck check = new(Device);
        int parts = p.Parts * p.Batch;
        MergeTensors checkedTensors = new()
        {
            PartsO = check.Rows(nameof(t.PartsO), t.PartsO, p.PartType, parts, p.Heads, p.Seq, p.HeadDim),
            PartsLse = check.Dense(nameof(t.PartsLse), t.PartsLse, DType.Float32, parts, p.Heads, p.Seq),
            O = check.Rows(nameof(t.O), t.O, p.Type, p.Batch, p.Heads, p.Seq, p.HeadDim),
            Lse = p.Lse ? check.Dense(nameof(t.Lse), t.Lse, DType.Float32, p.Batch, p.Heads, p.Seq) : default,
        };
        if (!p.Lse) check.Absent(nameof(t.Lse), t.Lse, nameof(p.Lse));
        TensorCheck.RequireDistinct(nameof(t.O), checkedTensors.O);
        return checkedTensors;
    }
}
