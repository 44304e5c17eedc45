namespace AttnKernels;

/// <summary>The device's half of a <see cref="DeviceStream"/>.</summary>
internal abstract class StreamBackend : IDisposable
{
    /// <summary>Waits for everything queued.</summary>
    public abstract void Synchronize();

    public abstract void Dispose();
}
