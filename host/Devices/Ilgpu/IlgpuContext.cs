using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Makes ILGPU contexts and names their devices.</summary>
internal static class IlgpuContext
{
    // Groups of up to 256 lanes, one thread each; a warp of 32 as on CUDA, so that shuffles mean the same.
    private static readonly CPUDevice DebugDevice = new(numThreadsPerWarp: 32, numWarpsPerMultiprocessor: 8, numMultiprocessors: 1);

    /// <summary>A context with every device. A failed compilation spoils a context, so each open device has its own.</summary>
    public static Context Create() => Create(builder => builder.Cuda().OpenCL().CPU(DebugDevice));

    /// <summary>
    /// A context with the settings that all share. O2 makes address spaces explicit (O1 leaves generic loads and real local memory), and
    /// the algorithms library brings exp2 and log2.
    /// </summary>
    public static Context Create(Action<Context.Builder> devices)
    {
        Context context = Context.Create(builder => devices(builder.Optimize(OptimizationLevel.O2).EnableAlgorithms()));
        PtxIntrinsics.Register(context);
        return context;
    }

    /// <summary>The devices of a context with their names, best first.</summary>
    public static List<(DeviceInfo Info, ILGPU.Runtime.Device Device)> Devices(Context context)
    {
        List<(DeviceInfo, ILGPU.Runtime.Device)> devices = [];
        int index = 0;
        foreach (CudaDevice device in context.GetCudaDevices()) devices.Add((Describe($"cuda:{index++}", DeviceKind.Cuda, device), device));
        index = 0;
        foreach (CLDevice device in context.GetCLDevices()) devices.Add((Describe($"opencl:{index++}", DeviceKind.OpenCl, device), device));
        foreach (CPUDevice device in context.GetCPUDevices()) devices.Add((Describe("ilgpu-cpu", DeviceKind.IlgpuCpu, device), device));
        return devices;
    }

    private static DeviceInfo Describe(string name, DeviceKind kind, ILGPU.Runtime.Device device)
    {
        bool debugs = kind == DeviceKind.IlgpuCpu;
        return new DeviceInfo(name, debugs ? "ILGPU CPU accelerator, one thread per lane" : device.Name.Trim('\0', ' '), kind)
        {
            MemoryBytes = debugs ? Cpu.CpuMemory.Total : device.MemorySize,
            ComputeUnits = device.NumMultiprocessors,
            MaxThreadsPerGroup = device.MaxNumThreadsPerGroup,
            // The debugging accelerator takes any amount; what a GPU would refuse should fail there too.
            SharedMemoryPerGroup = debugs ? 48 << 10 : SharedMemory(device),
            SharedMemoryPerMultiprocessor = debugs ? 48 << 10
                : device is CudaDevice multiprocessor ? multiprocessor.MaxSharedMemoryPerMultiprocessor : device.MaxSharedMemoryPerGroup,
            CacheBytes = device switch
            {
                CudaDevice cuda => cuda.L2CacheSize,
                CLDevice cl => CLAPI.CurrentAPI.GetDeviceInfo<long>(cl.DeviceId, CLDeviceInfoType.CL_DEVICE_GLOBAL_MEM_CACHE_SIZE),
                _ => 0,
            },
            WarpSize = device.WarpSize,
            ChecksOnly = debugs,
            IsGpu = kind == DeviceKind.Cuda || device is CLDevice { DeviceType: CLDeviceType.CL_DEVICE_TYPE_GPU },
            Architecture = device switch
            {
                CudaDevice cuda => $"{cuda.Architecture}, driver {cuda.DriverVersion}",
                CLDevice cl => $"{cl.PlatformName.Trim('\0', ' ')}, {cl.CVersion}, driver {Driver(cl)}",
                _ => "",
            },
        };
    }

    private static string Driver(CLDevice device) =>
        CLAPI.CurrentAPI.GetDeviceInfo(device.DeviceId, CLDeviceInfoType.CL_DRIVER_VERSION).Trim('\0', ' ');

    /// <summary>On CUDA what a kernel gets that asks for it (the device attribute MAX_SHARED_MEMORY_PER_BLOCK_OPTIN).</summary>
    private static int SharedMemory(ILGPU.Runtime.Device device) => device is CudaDevice cuda
        ? Math.Max(cuda.MaxSharedMemoryPerGroup, CudaAPI.CurrentAPI.GetDeviceAttribute((DeviceAttributeKind)97, cuda.DeviceId))
        : device.MaxSharedMemoryPerGroup;
}
