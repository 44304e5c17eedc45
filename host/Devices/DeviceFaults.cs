namespace AttnKernels;

/// <summary>Remembers the fault that ended a device, which from then on refuses instead of giving wrong results. Thread-safe.</summary>
internal sealed class DeviceFaults(string device)
{
    private DeviceFaultException? ending;
    private string kernel = "(none)";
    private object problem = "nothing was run";

    public bool IsLost => Volatile.Read(ref ending) is not null;

    /// <exception cref="DeviceFaultException">An earlier fault ended the device.</exception>
    public void ThrowIfLost()
    {
        if (Volatile.Read(ref ending) is { } first) throw DeviceFaultException.After(first);
    }

    /// <summary>Remembers what was launched last on any stream.</summary>
    public void Launching(string name, object computed)
    {
        ThrowIfLost();
        (kernel, problem) = (name, computed);
    }

    /// <summary>The exception to throw for what the device said.</summary>
    /// <param name="launched">The kernel that was launched last on the stream that saw it; null = on any.</param>
    /// <param name="computed">What it was to compute.</param>
    /// <param name="inner">What the device said.</param>
    /// <param name="endsDevice">Whether the device can do nothing more.</param>
    public DeviceFaultException Report(string? launched, object? computed, Exception inner, bool endsDevice)
    {
        DeviceFaultException fault = new(device, launched ?? kernel, (computed ?? problem).ToString() ?? "", inner, endsDevice);
        if (endsDevice) Interlocked.CompareExchange(ref ending, fault, null);
        return fault;
    }
}
