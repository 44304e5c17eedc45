using System.Diagnostics.CodeAnalysis;
using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated cache append with its kernel.</summary>
public sealed class CacheAppendPlan : Plan<CacheAppendProblem, CacheAppendTensors>
{
    private static readonly string[] Names = ["Cache", "Scales", "Update", "Starts", "BlockTable"];

    internal CacheAppendPlan(AttentionDevice device, CacheAppendProblem problem, Executable<CacheAppendTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in CacheAppendTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        CacheAppendTensors t = Check(tensors);
        Launch(t, [t.Cache, t.Scales, t.Update, t.Starts, t.BlockTable], Names, outputs: 2, queue, cancel);
    }

    private CacheAppendTensors Check(in CacheAppendTensors t)
    {
        CacheAppendProblem p = Problem;
        TensorCheck check = new(Device);
        bool isInteger = p.CacheType == DType.Int8;
        CacheAppendTensors checkedTensors = new()
        {
            Cache = check.Rows(nameof(t.Cache), t.Cache, p.CacheType, p.CacheBatch, p.Heads, p.CacheRows, p.HeadDim),
            Scales = isInteger ? check.Strided(nameof(t.Scales), t.Scales, DType.Float32, p.CacheBatch, p.Heads, p.CacheRows) : default,
            Update = check.Rows(nameof(t.Update), t.Update, p.Type, p.Batch, p.Heads, p.Rows, p.HeadDim),
            Starts = p.Starts ? check.Dense(nameof(t.Starts), t.Starts, DType.Int32, p.Batch) : default,
            BlockTable = p.Kv.IsPaged ? check.Rows(nameof(t.BlockTable), t.BlockTable, DType.Int32, p.Batch, p.TableColumns) : default,
        };
        if (!isInteger) check.Absent(nameof(t.Scales), t.Scales, "CacheType == Int8");
        if (!p.Starts) check.Absent(nameof(t.Starts), t.Starts, nameof(p.Starts));
        if (!p.Kv.IsPaged) check.Absent(nameof(t.BlockTable), t.BlockTable, "Kv.IsPaged");
        TensorCheck.RequireDistinct(nameof(t.Cache), checkedTensors.Cache);
        if (isInteger) TensorCheck.RequireDistinct(nameof(t.Scales), checkedTensors.Scales);
        RequireRoom(p, checkedTensors);
        return checkedTensors;
    }

    /// <summary>Refuses starts from which the rows do not fit, and blocks for them that the cache does not hold, where memory can be read
    /// here.</summary>
    private static unsafe void RequireRoom(CacheAppendProblem p, in CacheAppendTensors t)
    {
        int* starts = Host(t.Starts), blocks = Host(t.BlockTable);
        if (p.Starts && starts is null) return;
        for (int b = 0; b < p.Batch; b++)
        {
            int start = starts is null ? 0 : starts[b];
            if (start < 0 || start > p.MaxStart)
            {
                Refuse(
                    nameof(t.Starts), start,
                    $"Starts[{b}] = {start} is not in 0..{p.MaxStart}: the cache holds {p.Capacity} rows " +
                    $"of each entry, and {p.Rows} are to be written from there on.");
            }
            if (blocks is null) continue;
            for (int n = start / p.Kv.BlockSize; n <= (start + p.Rows - 1) / p.Kv.BlockSize; n++)
            {
                int block = blocks[(b * t.BlockTable.Stride(0)) + n];
                if (block >= 0 && block < p.Kv.Blocks) continue;
                Refuse(
                    nameof(t.BlockTable), block,
                    $"BlockTable[{b}, {n}] = {block} is not in 0..{p.Kv.Blocks - 1}, and rows {start}..{start + p.Rows - 1} of entry {b} "
                    + "are to be written.");
            }
        }
    }

    [DoesNotReturn]
    private static void Refuse(string name, int value, string message) => throw new ArgumentOutOfRangeException(name, value, message);

    private static unsafe int* Host(in TensorView view) =>
        view.IsEmpty || view.Buffer!.Address == 0 ? null : (int*)view.Buffer.Address + view.Offset;
}
