namespace AttnKernels.Verification;

/// <summary>
/// The one source of test data: number n of stream s is a hash of (seed, s, n), so a value depends on nothing that was drawn before it,
/// and a report's seed and index lead back to it.
/// </summary>
/// <param name="seed">Derived from the case's name by <see cref="SeedOf"/>.</param>
public sealed class Seeded(ulong seed)
{
    private const int Block = 1 << 16;

    /// <summary>A seed that is the same on every machine and in every run (FNV-1a).</summary>
    public static ulong SeedOf(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in name)
            hash = (hash ^ c) * 1099511628211;
        return hash;
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double Uniform(int stream, long n) => (Hash(stream, n) >> 11) * (1.0 / (1L << 53));

    /// <summary>Standard normal (Box and Muller).</summary>
    public double Normal(int stream, long n) =>
        Math.Sqrt(-2 * Math.Log(1 - Uniform(stream, 2 * n))) * Math.Cos(2 * Math.PI * Uniform(stream, (2 * n) + 1));

    /// <summary>Normal numbers times <paramref name="scale"/>, rounded to <paramref name="type"/>.</summary>
    public HostTensor Normals(int stream, DType type, double scale, params ReadOnlySpan<int> shape)
    {
        float[] values = new float[HostTensor.Count(shape)];
        // The benchmark's inputs are hundreds of millions of numbers.
        Parallel.For(0, (values.Length + Block - 1) / Block, block =>
        {
            int end = (int)Math.Min(values.Length, (block + 1L) * Block);
            for (int n = block * Block; n < end; n++) values[n] = (float)(scale * Normal(stream, n));
        });
        return new HostTensor(type, values, shape);
    }

    /// <summary>Booleans that are true with <paramref name="probability"/>.</summary>
    public HostTensor Booleans(int stream, double probability, params ReadOnlySpan<int> shape)
    {
        float[] values = new float[HostTensor.Count(shape)];
        for (int n = 0; n < values.Length; n++)
            values[n] = Uniform(stream, n) < probability ? 1 : 0;
        return new HostTensor(DType.Bool, values, shape);
    }

    // SplitMix64's finaliser (Steele, Lea, Flood 2014) over the mixed counters.
    private ulong Hash(int stream, long n)
    {
        ulong z = seed + ((ulong)stream * 0xD1B54A32D192ED03) + ((ulong)n * 0x9E3779B97F4A7C15) + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
