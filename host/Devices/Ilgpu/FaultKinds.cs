using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>What an accelerator's errors mean.</summary>
internal static class FaultKinds
{
    /// <summary>
    /// Whether every further call on the device would fail. For CUDA these are the errors of which the driver API's description of CUresult
    /// says that the context is unusable; an illegal access of an OpenCL kernel surfaces as a lost queue or as out of resources.
    /// </summary>
    public static bool EndsDevice(Exception e) => e switch
    {
        CudaDriverException driver => EndsContext(driver.Error),
        // ILGPU keeps the error as text: its name, or the number of one that it does not know.
        CudaException ilgpu => Enum.TryParse(ilgpu.Error, out CudaError code) && EndsContext(code),
        CLException openCl => openCl.Error is
            CLError.CL_DEVICE_NOT_AVAILABLE or CLError.CL_OUT_OF_RESOURCES or CLError.CL_INVALID_COMMAND_QUEUE or
            CLError.CL_INVALID_CONTEXT,
        _ => false,
    };

    /// <summary>Whether an allocation failed for want of memory.</summary>
    public static bool IsOutOfMemory(Exception e) => e switch
    {
        CudaException cuda => cuda.Error == nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY),
        CLException openCl => openCl.Error is
            CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_RESOURCES or CLError.CL_OUT_OF_HOST_MEMORY or
            CLError.CL_INVALID_BUFFER_SIZE,
        _ => true,
    };

    /// <summary>46, 721 and 722, which ILGPU does not name: unavailable, tensor memory leak, contained.</summary>
    private static bool EndsContext(CudaError error) => error is
        CudaError.CUDA_ERROR_DEINITIALIZED or CudaError.CUDA_ERROR_INVALID_CONTEXT or CudaError.CUDA_ERROR_ECC_UNCORRECTABLE or
        CudaError.CUDA_ERROR_NVLINK_UNCORRECTABLE or CudaError.CUDA_ERROR_ILLEGAL_ADDRESS or CudaError.CUDA_ERROR_LAUNCH_TIMEOUT or
        CudaError.CUDA_ERROR_CONTEXT_IS_DESTROYED or CudaError.CUDA_ERROR_ASSERT or CudaError.CUDA_ERROR_HARDWARE_STACK_ERROR or
        CudaError.CUDA_ERROR_ILLEGAL_INSTRUCTION or CudaError.CUDA_ERROR_MISALIGNED_ADDRESS or
        CudaError.CUDA_ERROR_INVALID_ADDRESS_SPACE or CudaError.CUDA_ERROR_INVALID_PC or CudaError.CUDA_ERROR_LAUNCH_FAILED or
        CudaError.CUDA_ERROR_UNKNOWN or (CudaError)46 or (CudaError)721 or (CudaError)722;
}
