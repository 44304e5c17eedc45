using AttnKernels.Devices.Cpu;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>An ILGPU accelerator: CUDA, OpenCL, or ILGPU's CPU accelerator.</summary>
internal sealed unsafe class IlgpuDevice : KernelDevice
{
    private readonly Context context;
    private readonly Accelerator accelerator;
    private readonly IlgpuStream defaultStream;
    // Stands for absent tensors: some devices refuse a null view.
    private readonly IlgpuBuffer nothing;
    private readonly KernelCache cache;
    private readonly PtxSource? ptx; // on CUDA
    private long allocatedBytes;

    private IlgpuDevice(DeviceInfo info, Context context, Device device, CacheFolder folder) : base(info)
    {
        (this.context, cache) = (context, new KernelCache(folder));
        Faults = new DeviceFaults(info.Name);
        accelerator = device.CreateAccelerator(context);
        if (accelerator is CudaAccelerator { Architecture: var target } cuda)
            ptx = new PtxSource(info, folder, new PtxCompiler(target, cuda.InstructionSet), target.Major, target.Minor);
        defaultStream = new IlgpuStream(this, accelerator.DefaultStream, owned: false);
        nothing = (IlgpuBuffer)Allocate(256);
    }

    public Accelerator Accelerator => accelerator;

    public override bool HasTensorCores => accelerator is CudaAccelerator { Architecture.Major: >= 8 };

    /// <summary>What ended the device, if anything.</summary>
    public DeviceFaults Faults { get; }

    public override StreamBackend DefaultStream => defaultStream;

    /// <summary>Opens the device of that name in a context of its own.</summary>
    public static IlgpuDevice Open(string name, DeviceOptions options)
    {
        Context context = IlgpuContext.Create();
        try
        {
            (DeviceInfo info, Device device) = IlgpuContext.Devices(context).First(d => d.Info.Name == name);
            CacheFolder folder = CacheFolder.Open(options.CacheFolder);
            IlgpuDevice opened = new(info, context, device, folder);
            if (opened.HasTensorCores) opened.Tuning = Tuning.Read(folder, info);
            return opened;
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    public override DeviceBuffer AllocateScratch(long bytes)
    {
        Faults.ThrowIfLost();
        long padded = Padded(bytes);
        if (Info.Kind == DeviceKind.IlgpuCpu) CpuMemory.RequireFree(Info.Name, padded);
        // OpenCL may promise memory that it has not.
        if (Info.Kind == DeviceKind.OpenCl && padded > FreeBytes()) throw new DeviceMemoryException(Info.Name, padded, FreeBytes());
        MemoryBuffer memory;
        try
        {
            lock (Gate) memory = accelerator.AllocateRaw(padded, 1);
        }
        catch (AcceleratorException e)
        {
            throw FaultKinds.IsOutOfMemory(e) ? new DeviceMemoryException(Info.Name, padded, FreeBytes(), e) : defaultStream.Fault(e);
        }
        Interlocked.Add(ref allocatedBytes, bytes);
        return new IlgpuBuffer(this, memory, bytes);
    }

    public override StreamBackend CreateStream()
    {
        AcceleratorStream? stream = null;
        defaultStream.Call(() =>
        {
            lock (Gate) stream = accelerator.CreateStream();
        });
        return new IlgpuStream(this, stream!, owned: true);
    }

    public override void Synchronize() => defaultStream.Call(accelerator.Synchronize);

    public override ArrayView<T> View<T>(DeviceBuffer? buffer) => ((IlgpuBuffer?)buffer ?? nothing).Memory.AsRawArrayView().Cast<T>();

    public override void Upload(StreamBackend stream, ReadOnlySpan<byte> source, DeviceBuffer target, long targetByte)
    {
        fixed (byte* pinned = source) // until the copy is done
        {
            nint address = (nint)pinned;
            int bytes = source.Length;
            Copy((IlgpuStream)stream, target, targetByte, bytes,
                (view, queue) => view.CopyFromCPUUnsafeAsync(queue, ref *(byte*)address, bytes));
        }
    }

    public override void Download(StreamBackend stream, DeviceBuffer source, long sourceByte, Span<byte> target)
    {
        fixed (byte* pinned = target) // until the copy is done
        {
            nint address = (nint)pinned;
            int bytes = target.Length;
            Copy((IlgpuStream)stream, source, sourceByte, bytes,
                (view, queue) => view.CopyToCPUUnsafeAsync(queue, ref *(byte*)address, bytes));
        }
    }

    private void Copy(IlgpuStream queue, DeviceBuffer buffer, long first, int bytes, Action<ArrayView<byte>, AcceleratorStream> copy)
    {
        queue.Call(() =>
        {
            lock (Gate) copy(((IlgpuBuffer)buffer).Memory.AsRawArrayView(first, bytes), queue.Stream);
        });
        queue.Synchronize();
    }

    public override void Fill(StreamBackend stream, DeviceBuffer target, long targetByte, long bytes, byte value)
    {
        IlgpuStream queue = (IlgpuStream)stream;
        queue.Call(() =>
        {
            lock (Gate) ((IlgpuBuffer)target).Memory.MemSet(queue.Stream, value, targetByte, bytes);
        });
    }

    public void Freed(long bytes) => Interlocked.Add(ref allocatedBytes, -bytes);

    protected override LoadedKernel<TArgs> Compile<TArgs>(KernelEntry<TArgs> entry)
    {
        Faults.ThrowIfLost();
        try
        {
            // Not under the gate: compiling takes seconds. One thread at a time compiles, and ILGPU's lists of children have their own
            // locks.
            return accelerator switch
            {
                CudaAccelerator cuda => new CudaKernel<TArgs>(
                    entry, new CudaFunction<TArgs>(new CudaDriver(cuda), Info.Name, entry, ptx!.Get(entry))),
                CLAccelerator openCl => new IlgpuKernel<TArgs>(this, entry, OpenClSource.Load(openCl, entry, cache.Get(
                    KernelCache.Key(entry, Info), () => OpenClSource.Translate(openCl, entry)))),
                _ => new IlgpuKernel<TArgs>(this, entry, accelerator.LoadKernel(entry.Kernel)),
            };
        }
        catch (Exception e) when (FaultKinds.EndsDevice(e))
        {
            throw defaultStream.Fault(e);
        }
        catch (Exception e) when (e is AcceleratorException or InternalCompilerException or CapabilityNotSupportedException)
        {
            throw new NotSupportedException($"Device {Info.Name} cannot compile kernel {entry.Name}: {(e.InnerException ?? e).Message}", e);
        }
    }

    protected override void DisposeDevice()
    {
        lock (Gate)
        {
            // A fault that nobody has waited for shows here.
            if (Faults.IsLost || !LostAccelerator.Try(accelerator.Synchronize)) LostAccelerator.Dispose(accelerator);
            else accelerator.Dispose();
            context.Dispose();
        }
    }

    private long FreeBytes()
    {
        if (accelerator is CudaAccelerator && CudaAPI.CurrentAPI.GetMemoryInfo(out long free, out long _) == CudaError.CUDA_SUCCESS)
            return free;
        return Math.Max(0, Info.MemoryBytes - Volatile.Read(ref allocatedBytes));
    }
}
