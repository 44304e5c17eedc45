using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Cache append on the CPU device.</summary>
internal sealed unsafe class CpuCacheAppend(CacheAppendProblem p) : Executable<CacheAppendTensors>
{
    public override string Explain() => "SimdCacheAppend, the calling thread";

    public override void Run(in CacheAppendTensors t, DeviceStream stream, CancellationToken cancel)
    {
        SimdArgs.CheckRange(nameof(t.Starts), t.Starts, p.Circular ? int.MaxValue : p.Capacity - p.Rows);
        CacheAppendArgs args = new()
        {
            Batch = p.Batch,
            Heads = p.Heads,
            Capacity = p.Capacity,
            Rows = p.Rows,
            Dim = p.Dim,
            Type = p.Type,
            Cache = SimdArgs.Heads(t.Cache),
            Update = SimdArgs.Heads(t.Update),
            Starts = (int*)SimdArgs.Data(t.Starts),
        };
        SimdCacheAppend.Run(args);
    }
}
