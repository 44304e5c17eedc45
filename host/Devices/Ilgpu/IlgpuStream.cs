using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>An accelerator's stream.</summary>
internal sealed class IlgpuStream(IlgpuDevice device, AcceleratorStream stream, bool owned) : LaunchStream(device.Faults)
{
    public AcceleratorStream Stream { get; } = stream;

    public override nint Handle { get; } = (stream as CudaStream)?.StreamPtr ?? 0;

    public override void Synchronize() => Call(Stream.Synchronize);

    public override StreamTimer CreateTimer() =>
        device.Accelerator is CudaAccelerator cuda ? new CudaTimer(new CudaDriver(cuda), this) : base.CreateTimer();

    public override void Dispose()
    {
        if (!owned || device.IsDisposed) return;
        if (device.Faults.IsLost)
        {
            LostAccelerator.Try(Stream.Dispose); // its work is over
            return;
        }
        Synchronize();
        lock (device.Gate) Stream.Dispose();
    }
}
