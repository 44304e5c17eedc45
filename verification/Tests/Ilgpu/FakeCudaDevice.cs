using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>
/// The CUDA path of the library, from a plan down to the driver's functions, over a driver that is not there: nothing is computed.
/// Memory is that of ILGPU's CPU accelerator.
/// </summary>
internal sealed class FakeCudaDevice : KernelDevice
{
    private readonly Context context = Context.Create(builder => builder.DefaultCPU());
    private readonly Accelerator memory;
    private readonly DeviceBuffer nothing;

    public FakeCudaDevice(FakeDriver driver, string name = "cuda:7") : base(
        new DeviceInfo(name, "fake", DeviceKind.Cuda) { MaxThreadsPerGroup = 1024, SharedMemoryPerGroup = 227 << 10, WarpSize = 32 })
    {
        Driver = driver;
        Faults = new DeviceFaults(name);
        memory = context.GetCPUDevice(0).CreateAccelerator(context);
        DefaultStream = new FakeStream(Faults, 1);
        nothing = Allocate(256);
    }

    public FakeDriver Driver { get; }

    public DeviceFaults Faults { get; }

    public override StreamBackend DefaultStream { get; }

    /// <summary>How often memory was allocated.</summary>
    public int Allocations { get; private set; }

    public override DeviceBuffer AllocateScratch(long bytes)
    {
        Allocations++;
        return new FakeBuffer(this, memory.AllocateRaw(Padded(bytes), 1), bytes);
    }

    public override StreamBackend CreateStream() => new FakeStream(Faults, 2);

    public override ArrayView<T> View<T>(DeviceBuffer? buffer) => ((FakeBuffer)(buffer ?? nothing)).Memory.AsRawArrayView().Cast<T>();

    public override void Upload(StreamBackend stream, ReadOnlySpan<byte> source, DeviceBuffer target, long targetByte)
    {
    }

    public override void Download(StreamBackend stream, DeviceBuffer source, long sourceByte, Span<byte> target)
    {
    }

    public override void Fill(StreamBackend stream, DeviceBuffer target, long targetByte, long bytes, byte value)
    {
    }

    public override void Synchronize() => DefaultStream.Synchronize();

    protected override LoadedKernel<TArgs> Compile<TArgs>(KernelEntry<TArgs> entry) => new CudaKernel<TArgs>(
        entry, new CudaFunction<TArgs>(Driver, Info.Name, entry, FakeDriver.Module(ArgumentLayout<TArgs>.Instance.Bytes, 0)));

    protected override void DisposeDevice()
    {
        memory.Dispose();
        context.Dispose();
    }

    private sealed class FakeBuffer(FakeCudaDevice device, MemoryBuffer memory, long bytes) : DeviceBuffer(device, bytes)
    {
        public MemoryBuffer Memory { get; } = memory;

        protected override void Free()
        {
            if (!Backend.IsDisposed) Memory.Dispose();
        }
    }

    private sealed class FakeStream(DeviceFaults faults, nint handle) : LaunchStream(faults)
    {
        public override nint Handle => handle;

        public override void Synchronize() => Call(() => { });

        public override void Dispose()
        {
        }
    }
}
