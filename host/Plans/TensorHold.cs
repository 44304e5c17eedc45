namespace AttnKernels.Plans;

/// <summary>Keeps the memory behind views from being freed while a run on it is queued.</summary>
internal ref struct TensorHold
{
    private readonly ReadOnlySpan<TensorView> views;
    private int held;

    /// <summary>Holds every view that is there.</summary>
    /// <exception cref="ObjectDisposedException">One has just been disposed by another thread.</exception>
    public TensorHold(ReadOnlySpan<TensorView> views, ReadOnlySpan<string> roles)
    {
        this.views = views;
        try
        {
            for (; held < views.Length; held++)
            {
                if (views[held].Buffer is not { } buffer) continue;
                buffer.Hold();
                buffer.UsedAs(roles[held]);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        while (held > 0) views[--held].Buffer?.Release();
    }
}
