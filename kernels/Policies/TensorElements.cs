namespace AttnKernels.Kernels;

/// <summary>A storage type that tensor cores multiply: pairs of 16-bit patterns in 32-bit registers.</summary>
public interface ITensorElement
{
    /// <summary>The exponent's bits in both halves; all of them set means infinite or NaN.</summary>
    static abstract uint ExponentMask { get; }

    /// <summary>C + A B, 16 x 8 += 16 x 16 times 16 x 8.</summary>
    static abstract F4 Multiply(F4 c, U4 a, uint b0, uint b1);

    /// <summary>Both rounded to nearest, the first in the low half.</summary>
    static abstract uint Pack(float low, float high);

    static abstract float Load(ushort value);
}

/// <summary>fp16.</summary>
public readonly struct Float16Tensor : ITensorElement
{
    public static uint ExponentMask => 0x7C007C00u;

    public static F4 Multiply(F4 c, U4 a, uint b0, uint b1) => TensorCore.MultiplyFloat16(c, a, b0, b1);

    public static uint Pack(float low, float high) => TensorCore.PackFloat16(low, high);

    public static float Load(ushort value) => Float16Element.Load(value);
}

/// <summary>bf16.</summary>
public readonly struct BFloat16Tensor : ITensorElement
{
    public static uint ExponentMask => 0x7F807F80u;

    public static F4 Multiply(F4 c, U4 a, uint b0, uint b1) => TensorCore.MultiplyBFloat16(c, a, b0, b1);

    public static uint Pack(float low, float high) => TensorCore.PackBFloat16(low, high);

    public static float Load(ushort value) => BFloat16Element.Load(value);
}
