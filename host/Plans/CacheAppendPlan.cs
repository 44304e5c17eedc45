using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated cache append with its kernel.</summary>
public sealed class CacheAppendPlan : Plan<CacheAppendProblem, CacheAppendTensors>
{
    private static readonly string[] Names = ["Cache", "Update", "Starts"];

    internal CacheAppendPlan(AttentionDevice device, CacheAppendProblem problem, Executable<CacheAppendTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in CacheAppendTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        CacheAppendTensors t = Check(tensors);
        Launch(t, [t.Cache, t.Update, t.Starts], Names, outputs: 1, queue, cancel);
    }

    private CacheAppendTensors Check(in CacheAppendTensors t)
    {
        CacheAppendProblem p = Problem;
        TensorCheck check = new(Device);
        CacheAppendTensors checkedTensors = new()
        {
            Cache = check.Rows(nameof(t.Cache), t.Cache, p.Type, p.Batch, p.Heads, p.Capacity, p.Dim),
            Update = check.Rows(nameof(t.Update), t.Update, p.Type, p.Batch, p.Heads, p.Rows, p.Dim),
            Starts = p.Starts ? check.Dense(nameof(t.Starts), t.Starts, DType.Int32, p.Batch) : default,
        };
        if (!p.Starts) check.Absent(nameof(t.Starts), t.Starts, nameof(p.Starts));
        TensorCheck.RequireDistinct(nameof(t.Cache), checkedTensors.Cache);
        return checkedTensors;
    }
}
