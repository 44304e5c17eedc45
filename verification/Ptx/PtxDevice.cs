using System.Collections.Immutable;
using AttnKernels.Devices.Cpu;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Verification.Ptx;

/// <summary>
/// Device "ptx": the CUDA path from a plan down to the driver's functions, over <see cref="PtxDriver"/>, which executes the very text that
/// a GPU's driver would be given. For machines without a GPU; slow. Device "ptx:132" chooses kernels as on the 132 multiprocessors of an
/// H100, "ptx" as on one, which takes the large tiles for small problems, too.
/// </summary>
internal sealed class PtxDevice : KernelDevice
{
    /// <summary>Its name, that on one multiprocessor.</summary>
    public const string Name = "ptx";

    /// <summary>The multiprocessors that it may be on.</summary>
    public static readonly ImmutableArray<int> Multiprocessors = [1, 132];

    /// <summary>Bytes behind each buffer that belong to none.</summary>
    private const int Gap = 4096;

    private readonly Context context = Context.Create(builder => builder.DefaultCPU());
    private readonly Accelerator accelerator; // for its memory alone
    private readonly DeviceFaults faults;
    private readonly GlobalMemory memory = new();
    private readonly PtxDriver driver;
    private readonly Func<KernelEntry, KernelText> source;
    private readonly DeviceBuffer nothing;

    /// <param name="source">Where kernels come from.</param>
    /// <param name="multiprocessors">For how many kernels are chosen.</param>
    public PtxDevice(Func<KernelEntry, KernelText> source, int multiprocessors = 1) : base(Describe(multiprocessors))
    {
        this.source = source;
        faults = new DeviceFaults(Info.Name);
        driver = new PtxDriver(memory);
        accelerator = context.GetCPUDevice(0).CreateAccelerator(context);
        DefaultStream = new PtxStream(faults);
        nothing = Allocate(256);
    }

    public override bool HasTensorCores => true;

    public override StreamBackend DefaultStream { get; }

    /// <summary>It has the limits of an H100, and says that it is a CUDA device, for plans to choose as there.</summary>
    public static DeviceInfo Describe(int multiprocessors) => new(
        multiprocessors == 1 ? Name : $"{Name}:{multiprocessors}", "executes and checks the PTX of the CUDA kernels", DeviceKind.Cuda)
    {
        MemoryBytes = CpuMemory.Total,
        MaxThreadsPerGroup = 1024,
        SharedMemoryPerGroup = PtxDriver.MaxSharedBytes,
        SharedMemoryPerMultiprocessor = PtxDriver.MaxSharedBytes + 1024,
        ComputeUnits = multiprocessors,
        CacheBytes = 16 << 10, // as small as the problems that it runs
        WarpSize = Warp.Lanes,
        ChecksOnly = true,
        Architecture = "PTX for sm_80",
    };

    /// <summary>With the kernels that a GPU would get: from the archive, from the cache folder, or compiled now.</summary>
    public static PtxDevice Open(DeviceOptions options, int multiprocessors)
    {
        PtxCompiler compiler = new(new CudaArchitecture(8, 0));
        return new PtxDevice(new PtxSource(Describe(1), CacheFolder.Open(options.CacheFolder), compiler, 8, 0).Get, multiprocessors);
    }

    public override DeviceBuffer AllocateScratch(long bytes)
    {
        long padded = Padded(bytes);
        CpuMemory.RequireFree(Info.Name, padded);
        PtxBuffer buffer = new(this, accelerator.AllocateRaw(padded + Gap, 1), padded, bytes);
        Fill(DefaultStream, buffer, 0, padded, 0xFF); // what nobody has written is NaN
        return buffer;
    }

    public override StreamBackend CreateStream() => new PtxStream(faults);

    public override void Synchronize()
    {
    }

    public override ArrayView<T> View<T>(DeviceBuffer? buffer) => ((PtxBuffer)(buffer ?? nothing)).View.Cast<T>();

    protected override LoadedKernel<TArgs> Compile<TArgs>(KernelEntry<TArgs> entry) =>
        new CudaKernel<TArgs>(entry, new CudaFunction<TArgs>(driver, Info.Name, entry, source(entry)));

    protected override void DisposeDevice()
    {
        driver.Dispose();
        accelerator.Dispose();
        context.Dispose();
    }

    private sealed class PtxBuffer : DeviceBuffer
    {
        private readonly PtxDevice device;

        private readonly long padded;

        public PtxBuffer(PtxDevice device, MemoryBuffer memory, long padded, long bytes) : base(device, bytes)
        {
            (this.device, Memory, this.padded) = (device, memory, padded);
            device.memory.Add((ulong)Address, padded);
        }

        ~PtxBuffer() => FreeOnce();

        public MemoryBuffer Memory { get; }

        public ArrayView<byte> View => Memory.AsRawArrayView(0, padded);

        public override nint Address => Memory.NativePtr;

        protected override void Free()
        {
            device.memory.Remove((ulong)Address);
            if (!device.IsDisposed) Memory.Dispose();
        }
    }

    /// <summary>Launches are over when they return.</summary>
    private sealed class PtxStream(DeviceFaults faults) : LaunchStream(faults)
    {
        public override nint Handle => 0;

        public override void Synchronize()
        {
        }

        public override void Dispose()
        {
        }
    }
}
