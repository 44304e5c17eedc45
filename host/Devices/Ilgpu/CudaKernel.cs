using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A kernel on a CUDA device.</summary>
internal sealed class CudaKernel<TArgs>(IlgpuDevice device, KernelEntry<TArgs> entry, CudaFunction<TArgs> function) : LoadedKernel<TArgs>
    where TArgs : struct
{
    public override void Launch(DeviceStream stream, int groups, in TArgs args)
    {
        IlgpuStream queue = (IlgpuStream)stream.Backend;
        (queue.LastKernel, queue.LastProblem) = (entry.Name, stream.Problem);
        CudaError error;
        lock (device.Gate)
        {
            device.Accelerator.Bind();
            error = function.Launch(groups, ((CudaStream)queue.Stream).StreamPtr, args);
        }
        if (error != CudaError.CUDA_SUCCESS) throw queue.Fault(new CudaException(error));
    }
}
