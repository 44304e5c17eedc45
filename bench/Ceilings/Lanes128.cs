using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Bench.Ceilings;

/// <summary>Vectors of 128 bits.</summary>
internal readonly struct Lanes128 : ILanes<Vector128<float>>
{
    public static int Width => Vector128<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fma(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    public static float Sum(Vector128<float> v) => Vector128.Sum(v);
}
