using System.Numerics.Tensors;

namespace AttnKernels.Bench.Peers;

/// <summary>
/// What .NET offers: System.Numerics.Tensors.TensorPrimitives. Its own SoftMax does not subtract the maximum (1000, 1001 give NaN),
/// so the row is written out with Max, Subtract, Exp, Sum and Divide.
/// </summary>
internal readonly struct TensorPrimitivesOperations : IRowOperations
{
    public static string Name => "tensorprimitives";

    public static double GflopsPerThread => 12;

    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b) => TensorPrimitives.Dot(a, b);

    public static void AddScaled(ReadOnlySpan<float> x, float factor, Span<float> y) => TensorPrimitives.MultiplyAdd(x, factor, y, y);

    public static void Softmax(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length == 0) return;
        TensorPrimitives.Subtract(x, TensorPrimitives.Max(x), y);
        TensorPrimitives.Exp(y, y);
        TensorPrimitives.Divide(y, TensorPrimitives.Sum<float>(y), y);
    }
}
