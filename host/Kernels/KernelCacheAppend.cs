using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>CacheAppend on one device, for one problem.</summary>
internal sealed class KernelCacheAppend<T> : Executable<CacheAppendTensors>
    where T : unmanaged
{
    /// <summary>The only instantiation for elements of this size: they are moved, not converted.</summary>
    public static readonly KernelEntry<CacheAppendArgs<T>> Entry = new($"CacheAppend {typeof(T).Name}", CacheAppend<T>.Kernel, 256, 0);

    private readonly KernelDevice device;
    private readonly CacheAppendProblem problem;
    private readonly LoadedKernel<CacheAppendArgs<T>> kernel;
    private readonly int groups;

    public KernelCacheAppend(KernelDevice device, CacheAppendProblem problem)
    {
        this.device = device;
        this.problem = problem;
        kernel = device.Load(Entry);
        long lanes = (long)problem.Batch * problem.Heads * problem.Rows * problem.HeadDim;
        groups = Grids.Groups((lanes + Entry.GroupSize - 1) / Entry.GroupSize, Entry, device);
    }

    public override string Explain() => $"{kernel.Describe(Entry, groups)}; a lane an element";

    public override void Run(in CacheAppendTensors t, DeviceStream stream, CancellationToken cancel)
    {
        CacheAppendArgs<T> args = new()
        {
            Cache = device.Heads<T>(t.Cache),
            Update = device.Heads<T>(t.Update),
            Place = CacheBinding.Bind(device, problem, t),
            Batch = problem.Batch,
            Heads = problem.Heads,
            Rows = problem.Rows,
            Dim = problem.HeadDim,
        };
        kernel.Launch(stream, groups, args);
    }
}

/// <summary>CacheConvert on one device, for one problem.</summary>
internal sealed class KernelCacheConvert<T, TElement> : Executable<CacheAppendTensors>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    /// <summary>The only instantiation for this type of update; that of the cache is told apart at run time.</summary>
    public static readonly KernelEntry<CacheConvertArgs<T>> Entry = new(
        $"CacheConvert {Elements.Label<TElement>()}", CacheConvert<T, TElement>.Kernel, CacheConvert<T, TElement>.GroupSize,
        CacheConvert<T, TElement>.GroupSize * sizeof(uint));

    private readonly KernelDevice device;
    private readonly CacheAppendProblem problem;
    private readonly LoadedKernel<CacheConvertArgs<T>> kernel;
    private readonly int groups;

    public KernelCacheConvert(KernelDevice device, CacheAppendProblem problem)
    {
        this.device = device;
        this.problem = problem;
        kernel = device.Load(Entry);
        groups = Grids.Groups((long)problem.Batch * problem.Heads * problem.Rows, Entry, device);
    }

    public override string Explain() => $"{kernel.Describe(Entry, groups)}; a group a row";

    public override void Run(in CacheAppendTensors t, DeviceStream stream, CancellationToken cancel)
    {
        CacheConvertArgs<T> args = new()
        {
            Update = device.Heads<T>(t.Update),
            Cache = GeneralKeyBinding.Rows(device, t.Cache, t.Scales),
            Place = CacheBinding.Bind(device, problem, t),
            Batch = problem.Batch,
            Heads = problem.Heads,
            Rows = problem.Rows,
            Dim = problem.HeadDim,
        };
        kernel.Launch(stream, groups, args);
    }
}

/// <summary>Where the rows of an update go.</summary>
internal static class CacheBinding
{
    public static CacheRows Bind(KernelDevice device, CacheAppendProblem problem, in CacheAppendTensors t) => new()
    {
        Starts = device.Data<int>(t.Starts),
        StartsOffset = t.Starts.Offset,
        HasStarts = t.Starts.Flag(),
        Table = device.Data<int>(t.BlockTable),
        TableOffset = t.BlockTable.Offset,
        TableStride = t.BlockTable.IsEmpty ? 0 : t.BlockTable.Stride(0),
        IsPaged = t.BlockTable.Flag(),
        BlockShift = problem.Kv.BlockShift,
        Blocks = problem.Kv.Blocks,
        Capacity = problem.Capacity,
        IsRing = problem.Kv.IsRing ? 1 : 0,
    };
}
