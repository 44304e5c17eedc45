using AttnKernels.Verification;

namespace AttnKernels.Tests.Ptx;

/// <summary>The instructions of tensor cores against plain products: fragments lie as the PTX ISA draws them.</summary>
public sealed class PtxTensorTests
{
    [Theory]
    [InlineData("m16n8k16.row.col.f32.f16.f16.f32", 16)]
    [InlineData("m16n8k16.row.col.f32.bf16.bf16.f32", 16)]
    [InlineData("m16n8k8.row.col.f32.tf32.tf32.f32", 8)]
    public void ProductsAreThoseOfMatrices(string shape, int depth)
    {
        // Small integers: every type holds them, and every sum is exact.
        int[,] a = new int[16, depth], b = new int[depth, 8], c = new int[16, 8];
        for (int r = 0; r < 16; r++)
        {
            for (int k = 0; k < depth; k++) a[r, k] = (r * 5 + k * 3) % 11 - 5;
        }
        for (int k = 0; k < depth; k++)
        {
            for (int n = 0; n < 8; n++) b[k, n] = (k * 7 + n * 2) % 13 - 6;
        }
        for (int r = 0; r < 16; r++)
        {
            for (int n = 0; n < 8; n++) c[r, n] = r * 8 + n;
        }

        int perRegister = depth / 8;
        uint[] memory = new uint[32 * 16];
        for (int lane = 0; lane < 32; lane++)
        {
            (int r, int t) = (lane / 4, lane % 4 * perRegister);
            uint Of(Func<int, int> element) => perRegister == 1
                ? BitConverter.SingleToUInt32Bits(element(0))
                : Pack(shape, element(0)) | Pack(shape, element(1)) << 16;
            for (int i = 0; i < 4; i++)
            {
                (int row, int k) = (r + i % 2 * 8, t + i / 2 * depth / 2);
                memory[lane * 16 + i] = Of(n => a[row, k + n]);
                memory[lane * 16 + 8 + i] = BitConverter.SingleToUInt32Bits(c[r + i / 2 * 8, lane % 4 * 2 + i % 2]);
            }
            for (int i = 0; i < 2; i++)
            {
                int k = t + i * depth / 2;
                memory[lane * 16 + 4 + i] = Of(n => b[k + n, r]);
            }
        }

        uint[] got = PtxBench.Run(
            $$"""
            mul.wide.u32 %rd3, %r1, 64;
            add.u64 %rd3, %rd1, %rd3;
            ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd3];
            ld.global.v2.b32 {%r6, %r7}, [%rd3+16];
            ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd3+32];
            mma.sync.aligned.{{shape}} {%f1, %f2, %f3, %f4}, {%r2, %r3, %r4, %r5}, {%r6, %r7}, {%f1, %f2, %f3, %f4};
            st.global.v4.f32 [%rd3+48], {%f1, %f2, %f3, %f4};
            """,
            memory);

        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                (int r, int n) = (lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2);
                int sum = c[r, n];
                for (int k = 0; k < depth; k++) sum += a[r, k] * b[k, n];
                BitConverter.UInt32BitsToSingle(got[lane * 16 + 12 + i]).Should().Be(sum, "of row {0}, column {1}", r, n);
            }
        }
    }

    [Theory]
    [InlineData(1, "", "%r8")]
    [InlineData(1, ".trans", "%r8")]
    [InlineData(2, "", "%r8, %r9")]
    [InlineData(2, ".trans", "%r8, %r9")]
    [InlineData(4, "", "%r8, %r9, %r10, %r11")]
    [InlineData(4, ".trans", "%r8, %r9, %r10, %r11")]
    public void MatricesAreLoadedAsFragments(int matrices, string suffix, string registers)
    {
        uint[] got = PtxBench.Run(
            $$"""
            mov.b64 %rd3, tile;
            mul.wide.u32 %rd4, %r1, 16;
            add.u64 %rd5, %rd3, %rd4;
            shl.b32 %r2, %r1, 3;
            shl.b32 %r3, %r2, 16;
            add.s32 %r4, %r2, 65536;
            add.s32 %r4, %r4, %r3;
            add.s32 %r5, %r4, 131074;
            add.s32 %r6, %r5, 131074;
            add.s32 %r7, %r6, 131074;
            st.shared.v4.b32 [%rd5], {%r4, %r5, %r6, %r7};
            bar.sync 0;
            ldmatrix.sync.aligned.m8n8.x{{matrices}}{{suffix}}.shared.b16 { {{registers}} }, [%rd5];
            mul.wide.u32 %rd6, %r1, 16;
            add.u64 %rd6, %rd1, %rd6;
            st.global.v4.b32 [%rd6], {%r8, %r9, %r10, %r11};
            """,
            new uint[32 * 4]);

        // Lane l has stored its number in row l % 8 of matrix l / 8: element e of it is 8 l + e.
        for (int lane = 0; lane < 32; lane++)
        {
            (int r, int t) = (lane / 4, lane % 4 * 2);
            for (int m = 0; m < matrices; m++)
            {
                uint low = (uint)(suffix.Length > 0 ? 64 * m + 8 * t + r : 64 * m + 8 * r + t);
                uint high = (uint)(suffix.Length > 0 ? 64 * m + 8 * (t + 1) + r : 64 * m + 8 * r + t + 1);
                got[4 * lane + m].Should().Be(low | high << 16, "of matrix {0}, lane {1}", m, lane);
            }
        }
    }

    [Fact]
    public void SumsAreCutOff()
    {
        float one = 1 + MathF.Pow(2, -23);
        // 25 bits: what lies 2^-24 below the largest counts, 2^-25 does not, and the last bit of the sum is cut off.
        TensorSum.Add(1, [MathF.Pow(2, -12), MathF.Pow(2, -12)], [MathF.Pow(2, -12), MathF.Pow(2, -12)]).Should().Be(one);
        TensorSum.Add(1, [MathF.Pow(2, -12)], [MathF.Pow(2, -12)]).Should().Be(1);
        TensorSum.Add(1, [MathF.Pow(2, -13), MathF.Pow(2, -13)], [MathF.Pow(2, -12), MathF.Pow(2, -12)]).Should().Be(1);
        TensorSum.Add(-1, [MathF.Pow(2, -12)], [MathF.Pow(2, -12)]).Should().Be(-1 + MathF.Pow(2, -24));
        TensorSum.Add(0, [3, -2], [5, 7]).Should().Be(1);
        BitConverter.SingleToUInt32Bits(TensorSum.Add(-0f, [0], [1])).Should().Be(0, "the sum of -0 and 0 is 0");
        TensorSum.Add(1, [float.PositiveInfinity], [1]).Should().Be(float.PositiveInfinity);
        TensorSum.Add(1, [float.PositiveInfinity, float.NegativeInfinity], [1, 1]).Should().Be(float.NaN);
        TensorSum.Add(float.NaN, [1], [1]).Should().Be(float.NaN);
        TensorSum.Add(3e38f, [3e38f], [1]).Should().Be(float.PositiveInfinity);
    }

    private static uint Pack(string shape, int value) => shape.Contains("bf16", StringComparison.Ordinal)
        ? BitConverter.SingleToUInt32Bits(value) >> 16
        : BitConverter.HalfToUInt16Bits((Half)value);
}
