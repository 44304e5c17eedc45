using AttnKernels.Bench.Measure;

namespace AttnKernels.Bench.Ceilings;

/// <summary>The ceilings of a device, probed again before every workload; what counts is the median of all probes of the run.</summary>
internal interface ICeilings
{
    /// <summary>Threads that the ceilings are for; 1 on a GPU.</summary>
    int Threads { get; }

    /// <summary>How the three were measured, in a few words each.</summary>
    (string Arithmetic, string Read, string Copy) Method { get; }

    /// <summary>GFLOP/s of all probes.</summary>
    Statistics Arithmetic { get; }

    /// <summary>GB/s read, of all probes.</summary>
    Statistics Read { get; }

    /// <summary>GB/s copied (read + written), of all probes.</summary>
    Statistics Copy { get; }

    /// <summary>The medians so far.</summary>
    Ceiling Current => new(Arithmetic.Median, Read.Median, Copy.Median);

    /// <summary>One probe of each kind.</summary>
    void Probe();
}
