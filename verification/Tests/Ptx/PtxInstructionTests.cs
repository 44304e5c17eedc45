using System.Globalization;

namespace AttnKernels.Tests.Ptx;

/// <summary>The elementwise instructions that kernels use, on values where a slip would show.</summary>
public sealed class PtxInstructionTests
{
    [Theory]
    [InlineData("add.s32", 2147483647, 1, -2147483648)]
    [InlineData("sub.s32", -2147483648, 1, 2147483647)]
    [InlineData("mul.lo.s32", 65537, 65537, 131073)]
    [InlineData("div.s32", -7, 2, -3)]
    [InlineData("div.s32", -2147483648, -1, -2147483648)]
    [InlineData("rem.s32", -7, 2, -1)]
    [InlineData("div.u32", 5, -1, 0)]
    [InlineData("rem.u32", 5, -1, 5)]
    [InlineData("max.s32", -1, 1, 1)]
    [InlineData("min.s32", -1, 1, -1)]
    [InlineData("max.u32", -1, 1, -1)]
    [InlineData("and.b32", 12, 10, 8)]
    [InlineData("or.b32", 12, 10, 14)]
    [InlineData("xor.b32", 12, 10, 6)]
    [InlineData("shl.b32", 1, 31, -2147483648)]
    [InlineData("shl.b32", 1, 32, 0)]
    [InlineData("shr.u32", -1, 31, 1)]
    [InlineData("shr.u32", -1, 32, 0)]
    [InlineData("shr.s32", -8, 1, -4)]
    [InlineData("shr.s32", -8, 40, -1)]
    public void OfTwoWords(string opcode, int a, int b, int expected) =>
        Result($"mov.b32 %r2, {a};\nmov.b32 %r3, {b};\n{opcode} %r4, %r2, %r3;", "%r4").Should().Be((uint)expected);

    [Theory]
    [InlineData("not.b32", 5, -6)]
    [InlineData("neg.s32", 5, -5)]
    [InlineData("cvt.s32.u16", -1, 65535)]
    [InlineData("cvt.s32.u8", -1, 255)]
    [InlineData("cvt.s32.s8", 200, -56)]
    public void OfOneWord(string opcode, int a, int expected)
    {
        string from = opcode.StartsWith("cvt", StringComparison.Ordinal) ? "%rs1" : "%r2";
        Result($"mov.b32 %r2, {a};\ncvt.u16.u32 %rs1, %r2;\n{opcode} %r4, {from};", "%r4").Should().Be((uint)expected);
    }

    [Theory]
    [InlineData("add.s64", -1, 1, 0)]
    [InlineData("add.u64", 4294967295, 1, 4294967296)]
    [InlineData("sub.s64", 0, 1, -1)]
    [InlineData("mul.lo.s64", 4294967296, -3, -12884901888)]
    [InlineData("div.s64", -9000000000, 2, -4500000000)]
    [InlineData("rem.s64", -9000000001, 2, -1)]
    [InlineData("min.s64", -1, 1, -1)]
    [InlineData("and.b64", 12884901888, 4294967296, 4294967296)]
    [InlineData("or.b64", 8589934592, 4294967296, 12884901888)]
    public void OfTwoLongWords(string opcode, long a, long b, long expected)
    {
        string body = $"mov.b64 %rd3, {a};\nmov.b64 %rd4, {b};\n{opcode} %rd5, %rd3, %rd4;\n";
        LongResult(body, "%rd5").Should().Be(expected);
    }

    [Theory]
    [InlineData("shl.b64 %rd5, %rd3, 33;", 3, 25769803776)]
    [InlineData("shl.b64 %rd5, %rd3, 64;", 3, 0)]
    [InlineData("shr.u64 %rd5, %rd3, 63;", -1, 1)]
    [InlineData("shr.s64 %rd5, %rd3, 70;", -9, -1)]
    [InlineData("cvt.s32.s64 %r2, %rd3;\ncvt.s64.s32 %rd5, %r2;", 4294967295, -1)]
    [InlineData("cvt.s32.s64 %r2, %rd3;\ncvt.u64.u32 %rd5, %r2;", -1, 4294967295)]
    [InlineData("cvt.s32.s64 %r2, %rd3;\nmul.wide.u32 %rd5, %r2, %r2;", -1, -8589934591)]
    [InlineData("mad.lo.u64 %rd5, %rd3, 4294967296, %rd3;", 7, 30064771079)]
    [InlineData("setp.lt.s64 %p1, %rd3, 0;\nselp.b64 %rd5, 1, 2, %p1;", -5, 1)]
    [InlineData("cvta.to.global.u64 %rd5, %rd3;", 77, 77)]
    public void OfLongWords(string instructions, long a, long expected) =>
        LongResult($"mov.b64 %rd3, {a};\n{instructions}\n", "%rd5").Should().Be(expected);

    [Theory]
    [InlineData("setp.eq.s32", 1, 1, true)]
    [InlineData("setp.ne.s32", 1, 1, false)]
    [InlineData("setp.lt.s32", -1, 1, true)]
    [InlineData("setp.le.s32", 1, 1, true)]
    [InlineData("setp.gt.s32", -1, 1, false)]
    [InlineData("setp.ge.s32", 1, 1, true)]
    [InlineData("setp.eq.u32", -1, -1, true)]
    [InlineData("setp.lo.u32", -1, 1, false)]
    [InlineData("setp.ls.u32", 1, 1, true)]
    [InlineData("setp.hi.u32", -1, 1, true)]
    [InlineData("setp.hs.u32", 1, -1, false)]
    public void ComparesWords(string opcode, int a, int b, bool expected) =>
        Result($"mov.b32 %r2, {a};\nmov.b32 %r3, {b};\n{opcode} %p1, %r2, %r3;\nselp.b32 %r4, 1, 0, %p1;", "%r4")
            .Should().Be(expected ? 1u : 0);

    [Theory]
    [InlineData("setp.eq.f32", "01000")]
    [InlineData("setp.neu.f32", "10111")]
    [InlineData("setp.lt.f32", "10000")]
    [InlineData("setp.gt.f32", "00000")]
    [InlineData("setp.ge.f32", "01000")]
    [InlineData("setp.geu.f32", "01111")]
    [InlineData("setp.leu.f32", "11111")]
    public void ComparesFloats(string opcode, string expected)
    {
        (float, float)[] pairs = [(1, 2), (0f, -0f), (float.NaN, 1), (1, float.NaN), (float.NaN, float.NaN)];
        string got = string.Concat(pairs.Select(pair => Result(
            $"{opcode} %p1, {PtxBench.Text(pair.Item1)}, {PtxBench.Text(pair.Item2)};\nselp.b32 %r4, 1, 0, %p1;", "%r4")));
        got.Should().Be(expected, "of 1 and 2, 0 and -0, NaN and 1, 1 and NaN, NaN and NaN");
    }

    [Theory]
    [InlineData("add.f32", 16777216, 1, 16777216)]
    [InlineData("sub.f32", 1, 3, -2)]
    [InlineData("mul.f32", 3, 0.1f, 0.30000001192092896f)]
    [InlineData("div.rn.f32", 1, 3, 0.33333334f)]
    [InlineData("max.f32", float.NaN, 1, 1)]
    [InlineData("max.f32", 1, float.NaN, 1)]
    [InlineData("min.f32", float.NaN, 1, 1)]
    public void OfTwoFloats(string opcode, float a, float b, float expected) =>
        Float($"{opcode} %f3, {PtxBench.Text(a)}, {PtxBench.Text(b)};").Should().Be(expected);

    [Theory]
    [InlineData("neg.f32", 1, -1)]
    [InlineData("abs.f32", -1, 1)]
    [InlineData("mov.f32", 7, 7)]
    [InlineData("sqrt.rn.f32", 2, 1.41421354f)]
    [InlineData("rcp.rn.f32", 3, 0.33333334f)]
    [InlineData("ex2.approx.ftz.f32", 0, 1)]
    [InlineData("ex2.approx.ftz.f32", -127, 0)]
    [InlineData("ex2.approx.ftz.f32", float.NegativeInfinity, 0)]
    [InlineData("ex2.approx.ftz.f32", 128, float.PositiveInfinity)]
    [InlineData("lg2.approx.f32", 1, 0)]
    [InlineData("lg2.approx.f32", 0, float.NegativeInfinity)]
    [InlineData("lg2.approx.f32", -1, float.NaN)]
    [InlineData("rcp.approx.ftz.f32", 0, float.PositiveInfinity)]
    [InlineData("rcp.approx.ftz.f32", 1e-40f, float.PositiveInfinity)]
    [InlineData("rcp.approx.ftz.f32", 1e38f, 0)]
    public void OfOneFloat(string opcode, float a, float expected) => Float($"{opcode} %f3, {PtxBench.Text(a)};").Should().Be(expected);

    [Fact]
    public void ApproximationsAreOffByWhatTheInstructionSetAllows()
    {
        double power = 0, logarithm = 0, reciprocal = 0;
        for (int n = 1; n < 300; n++)
        {
            float x = n / 37f;
            power = Math.Max(power, Units(Float($"ex2.approx.ftz.f32 %f3, {PtxBench.Text(x)};"), Math.Pow(2, x)));
            reciprocal = Math.Max(reciprocal, Units(Float($"rcp.approx.ftz.f32 %f3, {PtxBench.Text(x)};"), 1.0 / x));
            double exact = Math.Log2(x);
            double scale = x is > 0.5f and < 2 ? 1 : Math.Abs(exact);
            logarithm = Math.Max(logarithm, Math.Abs(Float($"lg2.approx.f32 %f3, {PtxBench.Text(x)};") - exact) / scale);
        }
        power.Should().BeInRange(1.5, 2);
        reciprocal.Should().BeInRange(0.7, 1);
        logarithm.Should().BeInRange(0.9 * Math.Pow(2, -22), 1.3 * Math.Pow(2, -22), "that and the rounding");

        static double Units(float got, double exact) => Math.Abs(got - exact) / Math.ScaleB(1, Math.ILogB(exact) - 23);
    }

    [Theory]
    [InlineData("cvt.rn.f32.s32 %f3, 16777217;", 16777216)]
    [InlineData("mov.b32 %r2, 15361;\ncvt.u16.u32 %rs1, %r2;\ncvt.f32.f16 %f3, %rs1;", 1.0009765625f)]
    public void BecomesAFloat(string instructions, float expected) => Float(instructions).Should().Be(expected);

    [Theory]
    [InlineData("cvt.rn.f16x2.f32", 1f, -2f, 0x3C00C000)]
    [InlineData("cvt.rn.f16x2.f32", 1.00048828125f, 65520f, 0x3C007C00)] // a tie goes to the even; too large is infinite
    [InlineData("cvt.rn.f16x2.f32", float.NaN, 0f, 0x7FFF0000)]
    [InlineData("cvt.rn.bf16x2.f32", 1f, -2f, 0x3F80C000)]
    [InlineData("cvt.rn.bf16x2.f32", 1.00390625f, 1.01171875f, 0x3F803F82)] // ties
    [InlineData("cvt.rn.bf16x2.f32", 0f, float.NaN, 0x00007FFF)]
    public void PacksTheFirstIntoTheUpperHalf(string opcode, float upper, float lower, uint expected) =>
        Result($"{opcode} %r4, {PtxBench.Text(upper)}, {PtxBench.Text(lower)};", "%r4").Should().Be(expected);

    [Fact]
    public void StoresAndLoadsElementsOfEverySize()
    {
        uint[] got = PtxBench.Run(
            """
            setp.ne.s32 %p1, %r1, 0;
            @%p1 ret;
            mov.b32 %r2, 4660;
            cvt.s8.s32 %rs1, %r2;
            st.global.b8 [%rd1+1], %rs1;
            cvt.u16.u32 %rs2, %r2;
            mov.b16 %rs3, %rs2;
            st.global.v4.b16 [%rd1+8], {%rs2, %rs3, %rs3, %rs2};
            ld.global.b8 %rs4, [%rd1+8];
            cvt.s32.u8 %r3, %rs4;
            ld.global.v2.b32 {%r4, %r5}, [%rd1+8];
            st.global.v2.f32 [%rd1+16], {%r3, %r4};
            """,
            new uint[8]);
        got.Should().Equal(0x3400, 0, 0x12341234, 0x12341234, 0x34, 0x12341234, 0, 0);
    }

    private static uint Result(string body, string register) => PtxBench.Lanes(body, register)[17];

    private static float Float(string body) => BitConverter.UInt32BitsToSingle(Result(body, "%f3"));

    private static long LongResult(string body, string register)
    {
        uint[] words = PtxBench.Run(
            $"{body}cvt.s32.s64 %r10, {register};\nshr.u64 %rd10, {register}, 32;\ncvt.s32.s64 %r11, %rd10;\n" +
            "setp.ne.s32 %p8, %r1, 0;\n@%p8 ret;\nst.global.v2.b32 [%rd1], {%r10, %r11};",
            new uint[2]);
        return (long)words[1] << 32 | words[0];
    }
}
