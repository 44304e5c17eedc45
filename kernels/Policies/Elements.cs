using ILGPU;
using ILGPU.IR.Intrinsics;

namespace AttnKernels.Kernels;

/// <summary>How a tensor element of storage type <typeparamref name="T"/> becomes a float and back.</summary>
public interface IElement<T>
    where T : unmanaged
{
    static abstract float Load(T value);

    /// <summary>Rounds to nearest, ties to even.</summary>
    static abstract T Store(float value);

    /// <summary>Elements index .. index+3; index is a multiple of 4 and the view's memory starts at a 16-byte boundary.</summary>
    static abstract F4 Load4(ArrayView<T> view, long index);

    /// <summary>Elements index .. index+7; index is a multiple of 8 and the view's memory starts at a 16-byte boundary.</summary>
    static abstract F8 Load8(ArrayView<T> view, long index);

    static abstract void Store4(ArrayView<T> view, long index, F4 value);
}

/// <summary>fp32.</summary>
public readonly struct Float32Element : IElement<float>
{
    public static float Load(float value) => value;

    public static float Store(float value) => value;

    public static F4 Load4(ArrayView<float> view, long index) => view.Cast<F4>()[index >> 2];

    public static F8 Load8(ArrayView<float> view, long index)
    {
        F8 value = default;
        value.Low = Load4(view, index);
        value.High = Load4(view, index + 4);
        return value;
    }

    public static void Store4(ArrayView<float> view, long index, F4 value) => view.Cast<F4>()[index >> 2] = value;
}

/// <summary>fp16, as bit patterns: OpenCL devices without cl_khr_fp16 have no half type, integers convert everywhere.</summary>
public readonly struct Float16Element : IElement<ushort>
{
    private const uint ExponentOffset = (127 - 15) << 23;
    private const float SmallestSubnormal = 1f / (1 << 24);

    /// <summary>Exact. cvt.f32.f16 on CUDA; elsewhere <see cref="Widen"/>.</summary>
    [IntrinsicImplementation]
    public static float Load(ushort value) => Widen(value);

    /// <summary>The same in integer arithmetic.</summary>
    public static float Widen(ushort value)
    {
        uint magnitude = value & 0x7FFFu;
        uint sign = (value & 0x8000u) << 16;
        uint shifted = magnitude << 13;
        uint normal = magnitude >= 0x7C00u ? shifted | 0x7F800000u : shifted + ExponentOffset;

        // Through an integer conversion, since a device may flush subnormal floats to zero.
        uint subnormal = Interop.FloatAsInt((int)magnitude * SmallestSubnormal);
        return Interop.IntAsFloat(sign | (magnitude < 0x400u ? subnormal : normal));
    }

    public static ushort Store(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint sign = (bits >> 16) & 0x8000u;
        uint magnitude = bits & 0x7FFFFFFFu;

        // 0x477FF000 = 65520 is the first value that rounds to infinity; 0x38800000 = 2^-14 the smallest normal fp16.
        uint rounded = (magnitude - ExponentOffset + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
        uint special = magnitude > 0x7F800000u ? 0x7E00u : 0x7C00u;
        uint normal = magnitude >= 0x477FF000u ? special : rounded;

        // Adding 0.5 leaves the fp16 subnormal, rounded by the hardware, in the low bits of the sum.
        uint subnormal = Interop.FloatAsInt(Interop.IntAsFloat(magnitude) + 0.5f) - 0x3F000000u;
        return (ushort)(sign | (magnitude < 0x38800000u ? subnormal : normal));
    }

    public static F4 Load4(ArrayView<ushort> view, long index)
    {
        U16x4 bits = view.Cast<U16x4>()[index >> 2];
        return new F4(Load(bits.X), Load(bits.Y), Load(bits.Z), Load(bits.W));
    }

    public static F8 Load8(ArrayView<ushort> view, long index)
    {
        U32x4 bits = view.Cast<U32x4>()[index >> 3];
        F8 value = default;
        value.Low = new F4(Load((ushort)bits.X), Load((ushort)(bits.X >> 16)), Load((ushort)bits.Y), Load((ushort)(bits.Y >> 16)));
        value.High = new F4(Load((ushort)bits.Z), Load((ushort)(bits.Z >> 16)), Load((ushort)bits.W), Load((ushort)(bits.W >> 16)));
        return value;
    }

    public static void Store4(ArrayView<ushort> view, long index, F4 value) =>
        view.Cast<U16x4>()[index >> 2] = new U16x4 { X = Store(value.X), Y = Store(value.Y), Z = Store(value.Z), W = Store(value.W) };
}

/// <summary>bf16, as bit patterns: the upper half of a float.</summary>
public readonly struct BFloat16Element : IElement<ushort>
{
    public static float Load(ushort value) => Interop.IntAsFloat((uint)value << 16);

    public static ushort Store(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
        uint quietNaN = (bits >> 16) | 0x40u;
        return (ushort)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quietNaN : rounded);
    }

    public static F4 Load4(ArrayView<ushort> view, long index)
    {
        U16x4 bits = view.Cast<U16x4>()[index >> 2];
        return new F4(Load(bits.X), Load(bits.Y), Load(bits.Z), Load(bits.W));
    }

    public static F8 Load8(ArrayView<ushort> view, long index)
    {
        U32x4 bits = view.Cast<U32x4>()[index >> 3];
        F8 value = default;
        value.Low = new F4(Load((ushort)bits.X), Load((ushort)(bits.X >> 16)), Load((ushort)bits.Y), Load((ushort)(bits.Y >> 16)));
        value.High = new F4(Load((ushort)bits.Z), Load((ushort)(bits.Z >> 16)), Load((ushort)bits.W), Load((ushort)(bits.W >> 16)));
        return value;
    }

    public static void Store4(ArrayView<ushort> view, long index, F4 value) =>
        view.Cast<U16x4>()[index >> 2] = new U16x4 { X = Store(value.X), Y = Store(value.Y), Z = Store(value.Z), W = Store(value.W) };
}
