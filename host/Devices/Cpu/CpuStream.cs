namespace AttnKernels.Devices.Cpu;

/// <summary>Calls have run when they return, so there is nothing to wait for.</summary>
internal sealed class CpuStream : StreamBackend
{
    public override void Synchronize()
    {
    }

    public override void Dispose()
    {
    }
}
