namespace AttnKernels.Bench.Implementations;

/// <summary>A plan of the library with its tensors on the device.</summary>
internal sealed class PreparedDevice(
    AttentionDevice device, string explanation, DeviceTensor output, Action run, CacheFlush? flush, params IDisposable?[] owned) : Prepared
{
    /// <summary>The device has threads of its own and places them itself.</summary>
    public override bool PinsCaller => false;

    /// <inheritdoc/>
    public override string Explanation => explanation;

    /// <inheritdoc/>
    public override void Run()
    {
        run();
        device.DefaultStream.Synchronize();
    }

    /// <summary>On a GPU by the device's clock, the caches flushed before each run.</summary>
    public override double Time(int calls)
    {
        if (flush is null) return base.Time(calls);
        using StreamTimer timer = device.DefaultStream.Backend.CreateTimer();
        double total = 0;
        for (int i = 0; i < calls; i++)
        {
            flush.Run();
            timer.Start();
            run();
            timer.Stop();
            total += timer.Milliseconds();
        }
        return total / calls;
    }

    /// <inheritdoc/>
    public override float[] Output() => output.ToFloats();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (IDisposable? resource in owned) resource?.Dispose();
        output.Dispose();
    }
}
