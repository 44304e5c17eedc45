using System.Diagnostics;

namespace AttnKernels;

/// <summary>Times what is queued on a stream between two points.</summary>
internal abstract class StreamTimer : IDisposable
{
    /// <summary>Marks the first point.</summary>
    public abstract void Start();

    /// <summary>Marks the second point; does not wait where the device keeps the time itself.</summary>
    public abstract void Stop();

    /// <summary>Waits for the second point; the time between the two in milliseconds.</summary>
    public abstract double Milliseconds();

    public abstract void Dispose();
}

/// <summary>The host's clock around a stream that is waited for at both points.</summary>
internal sealed class ClockTimer(StreamBackend stream) : StreamTimer
{
    private long start;
    private TimeSpan elapsed;

    public override void Start()
    {
        stream.Synchronize();
        start = Stopwatch.GetTimestamp();
    }

    public override void Stop()
    {
        stream.Synchronize();
        elapsed = Stopwatch.GetElapsedTime(start);
    }

    public override double Milliseconds() => elapsed.TotalMilliseconds;

    public override void Dispose()
    {
    }
}
