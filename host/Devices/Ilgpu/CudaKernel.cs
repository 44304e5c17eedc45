using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A kernel on a CUDA device.</summary>
internal sealed class CudaKernel<TArgs>(KernelEntry<TArgs> entry, CudaFunction<TArgs> function) : LoadedKernel<TArgs>
    where TArgs : struct
{
    public override KernelResources? Resources() => function.Resources(entry);

    public override void Launch(DeviceStream stream, int groups, in TArgs args)
    {
        LaunchStream queue = (LaunchStream)stream.Backend;
        queue.Launching(entry.Name, stream.Problem);
        CudaError error = function.Launch(groups, queue.Handle, args);
        if (error != CudaError.CUDA_SUCCESS) throw queue.Fault(function.Driver.Failure(error));
    }
}
