using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Bench.Ceilings;

/// <summary>Vectors of 512 bits.</summary>
internal readonly struct Lanes512 : ILanes<Vector512<float>>
{
    public static int Width => Vector512<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    public static float Sum(Vector512<float> v) => Vector512.Sum(v);
}
