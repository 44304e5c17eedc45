using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>A device that runs the kernels of kernels/: an ILGPU accelerator or the simulator. Thread-safe.</summary>
internal abstract class KernelDevice(DeviceInfo info) : DeviceBackend(info)
{
    /// <summary>Compiles <paramref name="entry"/> for this device, once: later calls return the same kernel.</summary>
    /// <exception cref="NotSupportedException">The device has fewer lanes a group, or less shared memory, than the kernel needs.</exception>
    public abstract LoadedKernel<TArgs> Load<TArgs>(KernelEntry<TArgs> entry)
        where TArgs : struct;

    /// <summary>All of a buffer as elements of <typeparamref name="T"/>; a view that is never read where there is no buffer.</summary>
    public abstract ArrayView<T> View<T>(DeviceBuffer? buffer)
        where T : unmanaged;
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
}
