namespace AttnKernels;

/// <summary>The device's half of a <see cref="DeviceStream"/>.</summary>
internal abstract class StreamBackend : IDisposable
{
    /// <summary>Waits for everything queued.</summary>
    public abstract void Synchronize();

    /// <summary>A timer of the work on this stream, by the device's own clock where it has one.</summary>
    public virtual StreamTimer CreateTimer() => new ClockTimer(this);

    public abstract void Dispose();
}
