using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>CacheAppend on one device, for one problem.</summary>
internal sealed class KernelCacheAppend<T> : Executable<CacheAppendTensors>
    where T : unmanaged
{
    /// <summary>The only instantiation for elements of this size: they are moved, not converted.</summary>
    public static readonly KernelEntry<CacheAppendArgs<T>> Entry = new($"CacheAppend {typeof(T).Name}", CacheAppend<T>.Kernel, 256, 0);

    private readonly KernelDevice device;
    private readonly LoadedKernel<CacheAppendArgs<T>> kernel;
    private readonly int groups;
    private readonly CacheAppendArgs<T> sizes;

    public KernelCacheAppend(KernelDevice device, CacheAppendProblem problem)
    {
        this.device = device;
        kernel = device.Load(Entry);
        long lanes = (long)problem.Batch * problem.Heads * problem.Rows * problem.Dim;
        groups = Grids.Groups((lanes + Entry.GroupSize - 1) / Entry.GroupSize, Entry);
        sizes = new CacheAppendArgs<T>
        {
            Batch = problem.Batch,
            Heads = problem.Heads,
            Capacity = problem.Capacity,
            Rows = problem.Rows,
            Dim = problem.Dim,
            IsCircular = problem.Circular ? 1 : 0,
        };
    }

    public override string Explain() => $"{Entry.Name}: {groups} groups of {Entry.GroupSize} lanes, a lane an element";

    public override void Run(in CacheAppendTensors t, DeviceStream stream, CancellationToken cancel)
    {
        CacheAppendArgs<T> args = sizes;
        args.Cache = device.Heads<T>(t.Cache);
        args.Update = device.Heads<T>(t.Update);
        args.Starts = device.Data<int>(t.Starts);
        args.StartsOffset = t.Starts.Offset;
        args.HasStarts = t.Starts.Flag();
        kernel.Launch(stream, groups, args);
    }
}
