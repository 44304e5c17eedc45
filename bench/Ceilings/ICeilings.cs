using AttnKernels.Bench.Measure;

namespace AttnKernels.Bench.Ceilings;

/// <summary>The ceilings of a device, probed again before every workload.</summary>
internal interface ICeilings
{
    /// <summary>Of the 80th percentile: probes of a quiet machine agree within a few percent.</summary>
    const double QuietShare = 0.9;

    /// <summary>Threads that the ceilings are for; 1 on a GPU.</summary>
    int Threads { get; }

    /// <summary>Storage type of the arithmetic.</summary>
    DType Type => DType.Float32;

    /// <summary>GFLOP/s of fp32 multiplied as TF32, of all probes; null where nothing measured asks for it.</summary>
    Statistics? Tf32 => null;

    /// <summary>How <see cref="Tf32"/> was measured.</summary>
    string Tf32Method => "";

    /// <summary>How the other three were measured, in a few words each.</summary>
    (string Arithmetic, string Read, string Copy) Method { get; }

    /// <summary>GFLOP/s of all probes.</summary>
    Statistics Arithmetic { get; }

    /// <summary>GB/s read, of all probes.</summary>
    Statistics Read { get; }

    /// <summary>GB/s copied (read + written), of all probes.</summary>
    Statistics Copy { get; }

    /// <summary>
    /// The 80th percentiles so far: a ceiling is what the machine can do, so neither a probe that something disturbed nor a single lucky
    /// one decides.
    /// </summary>
    Ceiling Current => new(Arithmetic.P80, Read.P80, Copy.P80) { Tf32Gflops = Tf32?.P80 };

    /// <summary>One probe of each kind.</summary>
    void Probe();

    /// <summary>Whether <see cref="IsQuiet"/> tells anything: a GPU's probes take too long for it.</summary>
    bool WatchesRounds => false;

    /// <summary>Whether nothing else uses the machine at this moment, as far as a probe of a few milliseconds tells.</summary>
    bool IsQuiet() => true;
}
