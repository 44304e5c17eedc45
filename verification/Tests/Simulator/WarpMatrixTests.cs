using AttnKernels.Kernels;
using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Simulator;

/// <summary>The instructions of tensor cores against a plain product, and asynchronous copies that are used too early.</summary>
public class WarpMatrixTests
{
    // C = A B: A [16][16] and then B [16][8] in 16-bit patterns at the start of x, C [16][8] in y. Mode 1 is bf16.
    private static void Product(LabArgs args)
    {
        ArrayView<U4> sTiles = SharedMemory.Allocate<U4>(48);
        int lane = Group.IdxX;
        TensorCore.CopyAsync(sTiles, lane, args.X.Cast<U4>(), lane, 1);
        if (lane < 16) TensorCore.CopyAsync(sTiles, 32 + lane, args.X.Cast<U4>(), 32 + lane, 1);
        TensorCore.WaitForCopies();
        Group.Barrier();
        U4 a = TensorCore.LoadMatrices(sTiles, 2 * (lane & 15) + lane / 16);
        U4 b = TensorCore.LoadTransposed(sTiles, 32 + (lane & 15));
        F4 c = args.Mode == 0 ? TensorCore.MultiplyFloat16(default, a, b.X, b.Y) : TensorCore.MultiplyBFloat16(default, a, b.X, b.Y);
        int at = lane / 4 * 8 + lane % 4 * 2;
        args.Y[at] = c.X;
        args.Y[at + 1] = c.Y;
        args.Y[at + 64] = c.Z;
        args.Y[at + 65] = c.W;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_product_is_that_of_plain_loops(int mode)
    {
        using var lab = new Lab();
        Span<ushort> bits = System.Runtime.InteropServices.MemoryMarshal.Cast<float, ushort>(lab.X.Span<float>());
        // Small integers, exact in both types, no two rows or columns alike.
        int[] a = [.. Enumerable.Range(0, 256).Select(n => (n * 37 + n / 16 * 5) % 23 - 11)];
        int[] b = [.. Enumerable.Range(0, 128).Select(n => (n * 29 + n / 8 * 3) % 19 - 9)];
        for (int n = 0; n < 256; n++) bits[n] = Bits(a[n], mode);
        for (int n = 0; n < 128; n++) bits[256 + n] = Bits(b[n], mode);

        lab.Launch(Product, 32, mode: mode).Findings.Should().BeEmpty();

        int[] expected = [.. Enumerable.Range(0, 128).Select(n => Enumerable.Range(0, 16).Sum(k => a[n / 8 * 16 + k] * b[k * 8 + n % 8]))];
        lab.Y.Span<float>()[..128].ToArray().Should().Equal(expected.Select(value => (float)value));
    }

    // C = A B: A [16][8] and then B [8][8] as floats at the start of x, C [16][8] in y.
    private static void Tf32Product(LabArgs args)
    {
        int lane = Group.IdxX, r = lane / 4, t = lane % 4;
        U4 a = new(Bits(args, 8 * r + t), Bits(args, 8 * r + 64 + t), Bits(args, 8 * r + t + 4), Bits(args, 8 * r + 64 + t + 4));
        F4 c = TensorCore.MultiplyTf32(default, a, Bits(args, 128 + 8 * t + r), Bits(args, 128 + 8 * t + 32 + r));
        args.Y[8 * r + 2 * t] = c.X;
        args.Y[8 * r + 2 * t + 1] = c.Y;
        args.Y[8 * r + 2 * t + 64] = c.Z;
        args.Y[8 * r + 2 * t + 65] = c.W;
    }

    private static uint Bits(LabArgs args, int index) => Interop.FloatAsInt(args.X[index]);

    [Fact]
    public void A_product_of_TF32_reads_11_significant_bits()
    {
        using var lab = new Lab();
        Span<float> x = lab.X.Span<float>();
        int[] values = [.. Enumerable.Range(0, 192).Select(n => (n * 37 + n / 8 * 5) % 1023 + 1025)]; // 11 bits
        for (int n = 0; n < 192; n++) x[n] = values[n] + 0.99f; // the rest is cut off, not rounded

        lab.Launch(Tf32Product, 32).Findings.Should().BeEmpty();

        int[] expected = [.. Enumerable.Range(0, 128)
            .Select(n => Enumerable.Range(0, 8).Sum(k => values[n / 8 * 8 + k] * values[128 + k * 8 + n % 8]))];
        lab.Y.Span<float>()[..128].ToArray().Should().Equal(
            expected.Select(value => (float)value), (got, sum) => MathF.Abs(got - sum) <= sum / (1 << 21));
    }

    // Every lane copies 16 bytes and reads them back: mode 0 before it has waited, mode 1 after.
    private static void Early(LabArgs args)
    {
        ArrayView<U4> sTile = SharedMemory.Allocate<U4>(32);
        TensorCore.CopyAsync(sTile, Group.IdxX, args.X.Cast<U4>(), Group.IdxX, 1);
        if (args.Mode != 0) TensorCore.WaitForCopies();
        Group.Barrier();
        args.Y.Cast<U4>()[Group.IdxX] = sTile[31 - Group.IdxX];
    }

    [Fact]
    public void A_copy_that_nobody_waited_for()
    {
        using var lab = new Lab();
        Finding finding = Lab.TheFinding(lab.Launch(Early, 32), FindingKind.PendingCopy);
        (finding.Lane, finding.OtherLane, finding.Index).Should().Be((0, 31, 31L));

        lab.Launch(Early, 32, mode: 1).Findings.Should().BeEmpty();
        lab.Y.Span<float>()[..5].ToArray().Should().Equal(124, 125, 126, 127, 120);
    }

    // A stage is filled again: mode 0 while its first copy is under way, mode 1 while other lanes may still read it.
    private static void Again(LabArgs args)
    {
        ArrayView<U4> sTile = SharedMemory.Allocate<U4>(32);
        TensorCore.CopyAsync(sTile, Group.IdxX, args.X.Cast<U4>(), Group.IdxX, 1);
        if (args.Mode != 0)
        {
            TensorCore.WaitForCopies();
            Group.Barrier();
            args.Y.Cast<U4>()[Group.IdxX] = sTile[31 - Group.IdxX];
        }
        if (args.Mode == 2) Group.Barrier();
        TensorCore.CopyAsync(sTile, Group.IdxX, args.X.Cast<U4>(), 32 + Group.IdxX, 1);
        TensorCore.WaitForCopies();
    }

    [Fact]
    public void A_copy_over_what_is_under_way_or_read()
    {
        // The site is that of the copy's wrapper.
        Lab.Run(Again, 32, mode: 0).Findings.Should().ContainSingle().Which.Kind.Should().Be(FindingKind.PendingCopy);
        Lab.Run(Again, 32, mode: 1).Findings.Select(f => f.Kind).Should().Contain(FindingKind.SharedRace);
        Lab.Run(Again, 32, mode: 2).Findings.Should().BeEmpty();
    }

    // Eight rows of 128 bytes: plain rows lie in the same banks, swizzled ones in all.
    private static void Rows(LabArgs args)
    {
        ArrayView<U4> sTile = SharedMemory.Allocate<U4>(128);
        for (int i = Group.IdxX; i < 128; i += 32) sTile[i] = default;
        Group.Barrier();
        int row = Group.IdxX & 15, chunk = Group.IdxX / 16;
        U4 loaded = TensorCore.LoadMatrices(sTile, args.Mode == 0 ? 8 * row + chunk : SwizzledTile.Index(row, chunk, 8));
        args.Y[Group.IdxX] = loaded.X;
    }

    [Fact]
    public void Swizzled_rows_have_no_bank_conflicts()
    {
        Lab.Run(Rows, 32, mode: 0).Shared.ConflictWavefronts.Should().Be(4 * 7);
        Lab.Run(Rows, 32, mode: 1).Shared.ConflictWavefronts.Should().Be(0);
    }

    // One matrix and two, in mode 1 transposed, of 16 rows: the lanes past the last matrix name rows that are not there.
    private static void Fewer(LabArgs args)
    {
        ArrayView<U4> sRows = SharedMemory.Allocate<U4>(16);
        int lane = Group.IdxX;
        if (lane < 16) sRows[lane] = args.X.Cast<U4>()[lane];
        Group.Barrier();
        uint one = args.Mode == 0 ? TensorCore.LoadMatrix(sRows, 2 * lane) : TensorCore.LoadOneTransposed(sRows, 2 * lane);
        U2 two = args.Mode == 0 ? TensorCore.LoadTwoMatrices(sRows, lane) : TensorCore.LoadTwoTransposed(sRows, lane);
        ArrayView<uint> y = args.Y.Cast<uint>();
        y[3 * lane] = one;
        y[3 * lane + 1] = two.X;
        y[3 * lane + 2] = two.Y;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void One_matrix_and_two(int mode)
    {
        using var lab = new Lab();
        Span<ushort> elements = System.Runtime.InteropServices.MemoryMarshal.Cast<float, ushort>(lab.X.Span<float>());
        for (int n = 0; n < 128; n++) elements[n] = (ushort)n;

        lab.Launch(Fewer, 32, mode: mode).Findings.Should().BeEmpty();

        uint[] expected = [.. Enumerable.Range(0, 32).SelectMany(lane => (uint[])
            [Pair(lane, 0, 16), Pair(lane, 0, 8), Pair(lane, 64, 8)])];
        System.Runtime.InteropServices.MemoryMarshal.Cast<float, uint>(lab.Y.Span<float>())[..96].ToArray().Should().Equal(expected);

        uint Pair(int lane, int first, int row)
        {
            (int r, int t) = (lane / 4, lane % 4 * 2);
            int low = mode == 0 ? r * row + t : t * row + r, high = mode == 0 ? low + 1 : low + row;
            return (uint)(first + low | (first + high) << 16);
        }
    }

    private static ushort Bits(int value, int mode) =>
        mode == 0 ? BitConverter.HalfToUInt16Bits((System.Half)value) : (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
}
