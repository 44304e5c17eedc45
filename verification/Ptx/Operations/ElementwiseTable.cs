using System.Numerics;

namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>
/// The elementwise instructions by name: those of the kernels, and what score modifiers of integers and floats are likely to need.
/// </summary>
internal static class ElementwiseTable
{
    /// <summary>Makes d = f(a) of the slots of d and a.</summary>
    public static Dictionary<string, Func<int, int, Operation>> Unaries { get; } = new()
    {
        ["mov.pred"] = Unary<Move<bool>, bool, bool>,
        ["mov.b16"] = Unary<Move<ushort>, ushort, ushort>,
        ["mov.b32"] = Unary<Move<uint>, uint, uint>,
        ["mov.b64"] = Unary<Move<ulong>, ulong, ulong>,
        ["mov.f32"] = Unary<Move<uint>, uint, uint>,
        ["cvta.to.global.u64"] = Unary<Move<ulong>, ulong, ulong>, // generic addresses of global memory are its own
        ["not.pred"] = Unary<NotPredicate, bool, bool>,
        ["not.b32"] = Unary<Not<uint>, uint, uint>,
        ["not.b64"] = Unary<Not<ulong>, ulong, ulong>,
        ["neg.f32"] = Unary<Negate<float>, float, float>,
        ["abs.f32"] = Unary<Absolute<float>, float, float>,
        ["sqrt.rn.f32"] = Unary<SquareRoot, float, float>,
        ["rcp.rn.f32"] = Unary<Reciprocal, float, float>,
        ["rcp.approx.ftz.f32"] = Unary<NearReciprocal, float, float>,
        ["ex2.approx.ftz.f32"] = Unary<PowerOfTwo, float, float>,
        ["lg2.approx.f32"] = Unary<Logarithm, float, float>,
        ["cvt.f32.f16"] = Unary<Convert<Half, float>, Half, float>,
    };

    /// <summary>Makes d = f(a, b) of the slots of d, a and b.</summary>
    public static Dictionary<string, Func<int, int, int, Operation>> Binaries { get; } = new()
    {
        ["add.f32"] = Binary<Add<float>, float, float>,
        ["sub.f32"] = Binary<Subtract<float>, float, float>,
        ["mul.f32"] = Binary<Multiply<float>, float, float>,
        ["div.rn.f32"] = Binary<DivideFloat, float, float>,
        ["max.f32"] = Binary<Maximum<float>, float, float>,
        ["min.f32"] = Binary<Minimum<float>, float, float>,
        ["mul.wide.u32"] = Binary<MultiplyWide, uint, ulong>,
        ["and.pred"] = Binary<AndPredicate, bool, bool>,
        ["or.pred"] = Binary<OrPredicate, bool, bool>,
        ["shl.b32"] = Binary<ShiftLeft32, uint, uint>,
        ["shl.b64"] = Binary<ShiftLeft64, ulong, ulong>,
        ["shr.u32"] = Binary<ShiftRight32, uint, uint>,
        ["shr.u64"] = Binary<ShiftRight64, ulong, ulong>,
        ["shr.s32"] = Binary<ShiftRightSigned32, int, int>,
        ["shr.s64"] = Binary<ShiftRightSigned64, long, long>,
        ["setp.eq.f32"] = Binary<Equal<float>, float, bool>,
        ["setp.neu.f32"] = Binary<NotEqual<float>, float, bool>,
        ["setp.lt.f32"] = Binary<Less<float>, float, bool>,
        ["setp.le.f32"] = Binary<LessOrEqual<float>, float, bool>,
        ["setp.gt.f32"] = Binary<Greater<float>, float, bool>,
        ["setp.ge.f32"] = Binary<GreaterOrEqual<float>, float, bool>,
        ["setp.ltu.f32"] = Binary<NotGreaterOrEqual, float, bool>,
        ["setp.leu.f32"] = Binary<NotGreater, float, bool>,
        ["setp.gtu.f32"] = Binary<NotLessOrEqual, float, bool>,
        ["setp.geu.f32"] = Binary<NotLess, float, bool>,
        ["cvt.rn.f16x2.f32"] = Binary<PackFloat16, float, uint>,
        ["cvt.rn.bf16x2.f32"] = Binary<PackBFloat16, float, uint>,
    };

    static ElementwiseTable()
    {
        AddIntegers<int>("s32", "lt", "le", "gt", "ge");
        AddIntegers<long>("s64", "lt", "le", "gt", "ge");
        AddIntegers<uint>("u32", "lo", "ls", "hi", "hs");
        AddIntegers<ulong>("u64", "lo", "ls", "hi", "hs");
        AddSigned<int>("s32");
        AddSigned<long>("s64");
        AddBits<uint>("b32");
        AddBits<ulong>("b64");
        AddConversions<sbyte>("s8");
        AddConversions<byte>("u8");
        AddConversions<short>("s16");
        AddConversions<ushort>("u16");
        AddConversions<int>("s32");
        AddConversions<uint>("u32");
        AddConversions<long>("s64");
        AddConversions<ulong>("u64");
    }

    private static void AddIntegers<T>(string type, string less, string lessOrEqual, string greater, string greaterOrEqual)
        where T : IBinaryInteger<T>
    {
        Binaries.Add($"add.{type}", Binary<Add<T>, T, T>);
        Binaries.Add($"sub.{type}", Binary<Subtract<T>, T, T>);
        Binaries.Add($"mul.lo.{type}", Binary<Multiply<T>, T, T>);
        Binaries.Add($"div.{type}", Binary<Divide<T>, T, T>);
        Binaries.Add($"rem.{type}", Binary<Remainder<T>, T, T>);
        Binaries.Add($"max.{type}", Binary<Maximum<T>, T, T>);
        Binaries.Add($"min.{type}", Binary<Minimum<T>, T, T>);
        Binaries.Add($"setp.eq.{type}", Binary<Equal<T>, T, bool>);
        Binaries.Add($"setp.ne.{type}", Binary<NotEqual<T>, T, bool>);
        Binaries.Add($"setp.{less}.{type}", Binary<Less<T>, T, bool>);
        Binaries.Add($"setp.{lessOrEqual}.{type}", Binary<LessOrEqual<T>, T, bool>);
        Binaries.Add($"setp.{greater}.{type}", Binary<Greater<T>, T, bool>);
        Binaries.Add($"setp.{greaterOrEqual}.{type}", Binary<GreaterOrEqual<T>, T, bool>);
    }

    private static void AddSigned<T>(string type)
        where T : INumber<T>
    {
        Unaries.Add($"neg.{type}", Unary<Negate<T>, T, T>);
        Unaries.Add($"abs.{type}", Unary<Absolute<T>, T, T>);
    }

    private static void AddBits<T>(string type)
        where T : IBitwiseOperators<T, T, T>
    {
        Binaries.Add($"and.{type}", Binary<And<T>, T, T>);
        Binaries.Add($"or.{type}", Binary<Or<T>, T, T>);
        Binaries.Add($"xor.{type}", Binary<Xor<T>, T, T>);
    }

    /// <summary>From an integer to all others and to floats, and from floats to it.</summary>
    private static void AddConversions<T>(string type)
        where T : IBinaryInteger<T>
    {
        Add<sbyte>("s8");
        Add<byte>("u8");
        Add<short>("s16");
        Add<ushort>("u16");
        Add<int>("s32");
        Add<uint>("u32");
        Add<long>("s64");
        Add<ulong>("u64");
        Unaries.Add($"cvt.rn.f32.{type}", Unary<Convert<T, float>, T, float>);
        Unaries.Add($"cvt.rzi.{type}.f32", Unary<TowardsZero<T>, float, T>);

        void Add<TTo>(string to)
            where TTo : IBinaryInteger<TTo> =>
            Unaries.Add($"cvt.{to}.{type}", Unary<Convert<T, TTo>, T, TTo>);
    }

    private static Unary<TFunction, T, TResult> Unary<TFunction, T, TResult>(int d, int a)
        where TFunction : struct, IUnary<T, TResult> =>
        new(d, a);

    private static Binary<TFunction, T, TResult> Binary<TFunction, T, TResult>(int d, int a, int b)
        where TFunction : struct, IBinary<T, TResult> =>
        new(d, a, b);
}
