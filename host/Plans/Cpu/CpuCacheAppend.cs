using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Cache append on the CPU device.</summary>
internal sealed unsafe class CpuCacheAppend(SimdWorkers workers, CacheAppendProblem p) : Executable<CacheAppendTensors>
{
    public override string Explain() =>
        $"SimdCacheAppend, {(IsOfElements ? $"elements in squares, {workers.Threads} threads" : "the calling thread")}";

    private bool IsOfElements => p is { HeadDim: 1, Starts: false, Kv.IsPaged: false } && p.CacheType == p.Type;

    public override void Run(in CacheAppendTensors t, DeviceStream stream, CancellationToken cancel)
    {
        CacheAppendArgs args = new()
        {
            Batch = p.Batch,
            Heads = p.Heads,
            Capacity = p.Capacity,
            Rows = p.Rows,
            Dim = p.HeadDim,
            Type = p.Type,
            CacheType = p.CacheType,
            Cache = SimdArgs.Heads(t.Cache),
            Scales = t.Scales.IsEmpty ? default : SimdArgs.Heads(t.Scales),
            Update = SimdArgs.Heads(t.Update),
            Starts = (int*)SimdArgs.Data(t.Starts),
            BlockTable = (int*)SimdArgs.Data(t.BlockTable),
            TableStride = t.BlockTable.IsEmpty ? 0 : t.BlockTable.Stride(0),
            BlockShift = p.Kv.BlockShift,
        };
        SimdCacheAppend.Run(args, workers, cancel);
    }
}
