namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>Between (batch, heads, seq, dim) and the (batch, seq, heads * dim) that the com.microsoft operators take.</summary>
internal static class SequenceLayout
{
    /// <summary>(batch, heads, seq, dim) to (batch, seq, heads * dim).</summary>
    public static float[] FromHeads(ReadOnlySpan<float> values, int batch, int heads, int seq, int dim) =>
        Swap(values, batch, heads, seq, dim);

    /// <summary>(batch, seq, heads * dim) to (batch, heads, seq, dim).</summary>
    public static float[] ToHeads(ReadOnlySpan<float> values, int batch, int heads, int seq, int dim) =>
        Swap(values, batch, seq, heads, dim);

    private static float[] Swap(ReadOnlySpan<float> values, int batch, int outer, int inner, int dim)
    {
        var result = new float[values.Length];
        for (int b = 0; b < batch; b++)
            for (int i = 0; i < inner; i++)
                for (int o = 0; o < outer; o++)
                    values.Slice(((b * outer + o) * inner + i) * dim, dim).CopyTo(result.AsSpan(((b * inner + i) * outer + o) * dim));
        return result;
    }
}
