using System.Reflection;
using AttnKernels.Plans;
using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A device that runs the kernels of kernels/: an ILGPU accelerator or the simulator. Thread-safe, though accelerators are not: see
/// <see cref="Gate"/>.
/// </summary>
internal abstract class KernelDevice : DeviceBackend
{
    private readonly Dictionary<MethodInfo, object> kernels = [];
    private readonly Lock loading = new();

    protected KernelDevice(DeviceInfo info) : base(info) => Plans = new KernelPlans(this);

    public sealed override IPlanFactory Plans { get; }

    /// <summary>
    /// Guards what accelerators do not: launches through ILGPU's launchers, which set arguments of one kernel object, allocations,
    /// copies. Taken after a stream's gate, never before. Nobody holds it who compiles, frees or waits, and launches on CUDA, which are
    /// one call of the driver, take none: planning and disposing on one thread do not stop inference on others.
    /// </summary>
    public Lock Gate { get; } = new();

    /// <summary>What was measured on this device, which plans follow.</summary>
    public Tuning Tuning { get; set; } = Tuning.None;

    /// <summary>True where <see cref="TensorCore"/> works: NVIDIA GPUs from compute capability 8.0 on, and the simulator.</summary>
    public virtual bool HasTensorCores => false;

    public override DeviceBuffer Allocate(long bytes)
    {
        DeviceBuffer buffer = AllocateScratch(bytes);
        Fill(DefaultStream, buffer, 0, Padded(bytes), 0);
        DefaultStream.Synchronize();
        return buffer;
    }

    public abstract override DeviceBuffer AllocateScratch(long bytes);

    /// <summary>Compiles <paramref name="entry"/> for this device, once: later calls return the same kernel.</summary>
    /// <exception cref="NotSupportedException">The device has fewer lanes a group, or less shared memory, than the kernel needs, or no
    /// tensor cores.</exception>
    public LoadedKernel<TArgs> Load<TArgs>(KernelEntry<TArgs> entry)
        where TArgs : struct
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (entry.GroupSize > Info.MaxThreadsPerGroup || entry.SharedBytes > Info.SharedMemoryPerGroup)
        {
            throw new NotSupportedException(
                $"Kernel {entry.Name} needs groups of {entry.GroupSize} lanes with {entry.SharedBytes} bytes of shared memory; " +
                $"device {Info.Name} has at most {Info.MaxThreadsPerGroup} lanes and {Info.SharedMemoryPerGroup} bytes a group.");
        }
        if (entry.NeedsTensorCores && !HasTensorCores)
        {
            throw new NotSupportedException(
                $"Kernel {entry.Name} needs tensor cores: an NVIDIA GPU of compute capability 8.0 or newer, or the simulator; " +
                $"device {Info.Name} has none.");
        }
        lock (loading)
        {
            if (kernels.TryGetValue(entry.Method, out object? loaded)) return (LoadedKernel<TArgs>)loaded;
            LoadedKernel<TArgs> compiled = Compile(entry);
            kernels.Add(entry.Method, compiled);
            return compiled;
        }
    }

    /// <summary>All of a buffer as elements of <typeparamref name="T"/>; a view that is never read where there is no buffer.</summary>
    public abstract ArrayView<T> View<T>(DeviceBuffer? buffer)
        where T : unmanaged;

    public override DeviceBuffer Wrap(nint address, long bytes, IDisposable? owner) =>
        throw new NotSupportedException(
            $"Device {Info.Name} cannot use memory that it did not allocate; device cpu can. " +
            "Upload a copy, or allocate here and write into it.");

    /// <summary>In whole 16-byte words, so that memory can be seen as elements of any vector type.</summary>
    protected static long Padded(long bytes) => (bytes + 15) & ~15L;

    protected abstract LoadedKernel<TArgs> Compile<TArgs>(KernelEntry<TArgs> entry)
        where TArgs : struct;
}

/// <summary>A kernel that is compiled and ready on one device.</summary>
internal abstract class LoadedKernel<TArgs>
    where TArgs : struct
{
    /// <summary>Queues <paramref name="groups"/> groups on <paramref name="stream"/>; neither allocates nor waits.</summary>
    /// <param name="stream">A stream of the kernel's device, whose gate is held.</param>
    /// <param name="groups">Size of the one-dimensional grid.</param>
    /// <param name="args">The kernel's parameter.</param>
    /// <exception cref="DeviceFaultException">The launch failed.</exception>
    public abstract void Launch(DeviceStream stream, int groups, in TArgs args);

    /// <summary>What the device's compiler made of it, asked anew; null where the device does not say.</summary>
    public virtual KernelResources? Resources() => null;

    /// <summary>Name, grid, group, shared memory and resources, for <c>Explain</c>.</summary>
    public string Describe(KernelEntry entry, int groups)
    {
        string shared = entry.SharedBytes > 0 ? $", {entry.SharedBytes} bytes of shared memory a group" : "";
        return $"{entry.Name}: {groups} groups of {entry.GroupSize} lanes{shared}{Resources()}";
    }
}
