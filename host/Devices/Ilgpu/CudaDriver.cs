using System.Runtime.InteropServices;
using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A CUDA driver function failed.</summary>
internal sealed class CudaDriverException(CudaError error, string message) : Exception(message)
{
    public CudaError Error { get; } = error;
}

/// <summary>What loading, launching and timing a kernel needs of the CUDA driver, so that its failures can be tested without one.</summary>
internal unsafe interface ICudaDriver
{
    /// <summary>Makes the device's context current on this thread: before any of the others.</summary>
    void Bind();

    /// <summary>cuModuleLoadDataEx; <paramref name="log"/> is what the driver's compiler said.</summary>
    CudaError LoadModule(string ptx, out nint module, out string? log);

    /// <summary>cuModuleGetFunction.</summary>
    CudaError GetFunction(nint module, string name, out nint function);

    /// <summary>cuFuncSetAttribute of CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.</summary>
    CudaError AllowDynamicShared(nint function, int bytes);

    /// <summary>cuFuncGetAttribute.</summary>
    CudaError GetAttribute(nint function, FunctionAttribute attribute, out int value);

    /// <summary>cuOccupancyMaxActiveBlocksPerMultiprocessor.</summary>
    CudaError GetGroupsAtOnce(nint function, int lanes, int dynamicSharedBytes, out int groups);

    /// <summary>cuDeviceGetAttribute: what a multiprocessor of the device holds.</summary>
    MultiprocessorLimits Limits();

    /// <summary>cuLaunchKernel with one parameter and a one-dimensional grid.</summary>
    CudaError Launch(nint function, int groups, int lanes, int sharedBytes, nint stream, void* args);

    /// <summary>cuEventCreate.</summary>
    CudaError CreateEvent(out nint marker);

    /// <summary>cuEventRecord.</summary>
    CudaError RecordEvent(nint marker, nint stream);

    /// <summary>cuEventSynchronize.</summary>
    CudaError WaitForEvent(nint marker);

    /// <summary>cuEventElapsedTime.</summary>
    CudaError ElapsedTime(nint start, nint stop, out float milliseconds);

    /// <summary>cuEventDestroy.</summary>
    CudaError DestroyEvent(nint marker);

    /// <summary>The driver's words for an error.</summary>
    string Describe(CudaError error);

    /// <summary>An error as an exception.</summary>
    CudaDriverException Failure(CudaError error) => new(error, Describe(error));
}

/// <summary>A CUfunction_attribute of the driver API.</summary>
internal enum FunctionAttribute
{
    LocalBytes = 3,
    Registers = 4,
    MaxDynamicSharedBytes = 8,
}

/// <summary>The installed driver, through ILGPU's bindings and the two functions that these lack.</summary>
internal sealed unsafe class CudaDriver(CudaAccelerator accelerator) : ICudaDriver
{
    /// <summary>CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR.</summary>
    private const int MaxRegistersPerMultiprocessor = 82;

    private static readonly Lazy<nint> FuncSetAttribute = new(() => Find("cuFuncSetAttribute"));
    private static readonly Lazy<nint> FuncGetAttribute = new(() => Find("cuFuncGetAttribute"));

    public void Bind() => accelerator.Bind();

    public CudaError LoadModule(string ptx, out nint module, out string? log) => CudaAPI.CurrentAPI.LoadModule(out module, ptx, out log);

    public CudaError GetFunction(nint module, string name, out nint function) =>
        CudaAPI.CurrentAPI.GetModuleFunction(out function, module, name);

    public CudaError AllowDynamicShared(nint function, int bytes)
    {
        nint set = FuncSetAttribute.Value;
        if (set == 0) return CudaError.CUDA_ERROR_NOT_FOUND;
        return (CudaError)((delegate* unmanaged<nint, int, int, int>)set)(function, (int)FunctionAttribute.MaxDynamicSharedBytes, bytes);
    }

    public CudaError GetAttribute(nint function, FunctionAttribute attribute, out int value)
    {
        nint get = FuncGetAttribute.Value;
        int found = 0;
        CudaError error = get == 0
            ? CudaError.CUDA_ERROR_NOT_FOUND
            : (CudaError)((delegate* unmanaged<int*, int, nint, int>)get)(&found, (int)attribute, function);
        value = found;
        return error;
    }

    public CudaError GetGroupsAtOnce(nint function, int lanes, int dynamicSharedBytes, out int groups) =>
        CudaAPI.CurrentAPI.ComputeOccupancyMaxActiveBlocksPerMultiprocessor(out groups, function, lanes, dynamicSharedBytes);

    public MultiprocessorLimits Limits()
    {
        CudaDevice device = accelerator.Device;
        return new MultiprocessorLimits(
            device.MaxNumThreadsPerMultiprocessor,
            CudaAPI.CurrentAPI.GetDeviceAttribute((DeviceAttributeKind)MaxRegistersPerMultiprocessor, device.DeviceId),
            device.MaxSharedMemoryPerMultiprocessor);
    }

    public CudaError Launch(nint function, int groups, int lanes, int sharedBytes, nint stream, void* args)
    {
        void* parameters = args;
        return CudaAPI.CurrentAPI.LaunchKernel(function, groups, 1, 1, lanes, 1, 1, sharedBytes, stream, (nint)(&parameters), 0);
    }

    public CudaError CreateEvent(out nint marker) => CudaAPI.CurrentAPI.CreateEvent(out marker, CudaEventFlags.CU_EVENT_DEFAULT);

    public CudaError RecordEvent(nint marker, nint stream) => CudaAPI.CurrentAPI.RecordEvent(marker, stream);

    public CudaError WaitForEvent(nint marker) => CudaAPI.CurrentAPI.SynchronizeEvent(marker);

    public CudaError ElapsedTime(nint start, nint stop, out float milliseconds) =>
        CudaAPI.CurrentAPI.ElapsedTime(out milliseconds, start, stop);

    public CudaError DestroyEvent(nint marker) => CudaAPI.CurrentAPI.DestroyEvent(marker);

    public string Describe(CudaError error) => $"{error}: {CudaAPI.CurrentAPI.GetErrorString(error)}";

    private static nint Find(string function)
    {
        foreach (string name in (string[])["libcuda.so.1", "nvcuda", "cuda"])
        {
            if (NativeLibrary.TryLoad(name, out nint library)) return NativeLibrary.GetExport(library, function);
        }
        return 0;
    }
}
