namespace AttnKernels.Bench.Peers;

/// <summary>What one writes first: plain loops.</summary>
internal readonly struct NaiveOperations : IRowOperations
{
    public static string Name => "naive";

    public static double GflopsPerThread => 2.5;

    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    public static void AddScaled(ReadOnlySpan<float> x, float factor, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] += factor * x[i];
    }

    public static void Softmax(ReadOnlySpan<float> x, Span<float> y)
    {
        float max = float.NegativeInfinity, sum = 0;
        foreach (float value in x) max = MathF.Max(max, value);
        for (int i = 0; i < y.Length; i++) sum += y[i] = MathF.Exp(x[i] - max);
        for (int i = 0; i < y.Length; i++) y[i] /= sum;
    }
}
