using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Bench.Ceilings;

/// <summary>Vectors of 256 bits.</summary>
internal readonly struct Lanes256 : ILanes<Vector256<float>>
{
    public static int Width => Vector256<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    public static float Sum(Vector256<float> v) => Vector256.Sum(v);
}
