using System.Diagnostics;
using AttnKernels.Simulation;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace AttnKernels.Tests.Simulator;

/// <summary>Kernels give the right values, the same ones every time, and fast enough to test with.</summary>
public class ExecutionTests(ITestOutputHelper output)
{
    private static void SumByTree(LabArgs args)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(256);
        int i = Group.IdxX;
        sums[i] = args.X[Grid.IdxX * 256 + i];
        Group.Barrier();
        for (int half = 128; half > 0; half /= 2)
        {
            if (i < half)
                sums[i] += sums[i + half];
            Group.Barrier();
        }
        if (i == 0)
            args.Y[Grid.IdxX] = sums[0];
    }

    private static void SumByShuffle(LabArgs args)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(8);
        float sum = args.X[Grid.IdxX * 256 + Group.IdxX];
        for (int mask = 16; mask > 0; mask /= 2)
            sum += Warp.ShuffleXor(sum, mask);
        if (Warp.IsFirstLane)
            sums[Warp.WarpIdx] = sum;
        Group.Barrier();
        sum = Group.IdxX < 8 ? sums[Group.IdxX] : 0;
        for (int delta = 4; delta > 0; delta /= 2)
            sum += Warp.ShuffleDown(sum, delta);
        if (Group.IsFirstThread)
            args.Y[Grid.IdxX] = sum;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reductions(bool shuffle)
    {
        using var lab = new Lab();
        LaunchReport report = lab.Launch(shuffle ? SumByShuffle : SumByTree, 256, grid: 4);
        report.Findings.Should().BeEmpty();
        for (int g = 0; g < 4; g++)
            lab.Y.Span<float>()[g].Should().Be(256f * g * 256 + 255 * 128);
        report.BarriersPerGroup.Should().Be(shuffle ? 1 : 9);
    }

    internal interface ITile
    {
        static abstract int Size { get; }
    }

    internal interface IScale
    {
        float Apply(float value);
    }

    internal readonly struct Tile8 : ITile
    {
        public static int Size => 8;
    }

    internal readonly struct TimesTwo : IScale
    {
        public float Apply(float value) => 2 * value;
    }

    internal struct MatmulArgs<TScale>
    {
        public ArrayView<float> A;
        public ArrayView<float> B;
        public ArrayView<float> C;
        public int Size;
        public TScale Scale;
    }

    private static class Matmul<TTile>
        where TTile : struct, ITile
    {
        // C = scale(A B), square, any size; grid and group (tiles, tiles), (Size, Size).
        public static void Kernel<TScale>(MatmulArgs<TScale> args)
            where TScale : struct, IScale
        {
            int size = TTile.Size;
            ArrayView<float> sA = SharedMemory.Allocate<float>(TTile.Size * TTile.Size);
            ArrayView<float> sB = SharedMemory.Allocate<float>(TTile.Size * TTile.Size);
            int x = Group.IdxX, y = Group.IdxY;
            int row = Grid.IdxY * size + y, column = Grid.IdxX * size + x;
            float sum = 0;
            for (int k = 0; k < args.Size; k += size)
            {
                sA[y * size + x] = row < args.Size && k + x < args.Size ? args.A[row * args.Size + k + x] : 0;
                sB[y * size + x] = k + y < args.Size && column < args.Size ? args.B[(k + y) * args.Size + column] : 0;
                Group.Barrier();
                for (int p = 0; p < size; p++)
                    sum += sA[y * size + p] * sB[p * size + x];
                Group.Barrier();
            }
            if (row < args.Size && column < args.Size)
                args.C[row * args.Size + column] = args.Scale.Apply(sum);
        }
    }

    [Fact]
    public void Tiled_matmul_with_policies()
    {
        const int n = 19;
        using var lab = new Lab();
        var random = new Random(3);
        float[] a = new float[n * n], b = new float[n * n];
        for (int i = 0; i < n * n; i++)
            (a[i], b[i]) = (random.Next(-8, 8), random.Next(-8, 8));
        a.CopyTo(lab.X.Span<float>());
        b.CopyTo(lab.X.Span<float>()[512..]);
        var args = new MatmulArgs<TimesTwo> { A = lab.X.View<float>(0, n * n), B = lab.X.View<float>(512, n * n), C = lab.Y.View<float>(0, n * n), Size = n, Scale = default };

        LaunchReport report = lab.Device.Launch(Matmul<Tile8>.Kernel, args, (3, 3, 1), (8, 8, 1));

        report.Findings.Should().BeEmpty();
        report.Kernel.Should().Be("Matmul<Tile8>.Kernel<TimesTwo>");
        report.SharedBytesPerGroup.Should().Be(2 * 8 * 8 * 4);
        report.BarriersPerGroup.Should().Be(6);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                lab.Y.Span<float>()[i * n + j].Should().Be(2 * Enumerable.Range(0, n).Sum(k => a[i * n + k] * b[k * n + j]));
        }
    }

    private static void WritePlace(LabArgs args)
    {
        ArrayView<int> mine = args.N.SubView(0, 16);
        if (Grid.IdxX == 1 && Grid.IdxY == 2 && Grid.IdxZ == 3 && Group.IdxX == 2 && Group.IdxY == 1 && Group.IdxZ == 4)
        {
            mine[0] = Group.DimX;
            mine[1] = Group.DimY;
            mine[2] = Group.DimZ;
            mine[3] = Grid.DimX;
            mine[4] = Grid.DimY;
            mine[5] = Grid.DimZ;
            mine[6] = Group.LinearIndex;
            mine[7] = Grid.LinearIndex;
            mine[8] = Warp.LaneIdx;
            mine[9] = Warp.WarpIdx;
            mine[10] = Grid.GlobalIndex.Z;
            mine[11] = Grid.GlobalLinearIndex;
        }
    }

    [Fact]
    public void Lanes_know_their_place()
    {
        using var lab = new Lab();
        lab.Device.Launch(WritePlace, lab.Args(0), (2, 3, 4), (3, 2, 5)).Findings.Should().BeEmpty();
        int linear = (4 * 2 + 1) * 3 + 2, group = (3 * 3 + 2) * 2 + 1;
        lab.N.Span<int>()[..12].ToArray().Should().Equal(3, 2, 5, 2, 3, 4, linear, group, linear, 0, 3 * 5 + 4, group * 30 + linear);
    }

    private static void Vote(LabArgs args)
    {
        int i = Group.IdxX;
        int count = Group.BarrierPopCount(i % 3 == 0);
        bool all = Group.BarrierAnd(i < 40), none = Group.BarrierAnd(i < 39), any = Group.BarrierOr(i == 39), never = Group.BarrierOr(i == 40);
        float shared = Group.Broadcast(args.X[i], 37);
        float fromWarp = Warp.Broadcast(args.X[i], 3);
        args.N[i] = count * 10000 + (all ? 1000 : 0) + (none ? 0 : 100) + (any ? 10 : 0) + (never ? 0 : 1);
        args.Y[i] = shared + fromWarp;
    }

    [Fact]
    public void Votes_and_broadcasts()
    {
        using var lab = new Lab();
        lab.Launch(Vote, 40).Findings.Should().BeEmpty();
        lab.N.Span<int>()[..40].ToArray().Should().OnlyContain(x => x == 141111);
        lab.Y.Span<float>()[0].Should().Be(37 + 3);
        lab.Y.Span<float>()[32].Should().Be(37 + 35);
    }

    private static void ShuffleEveryWay(LabArgs args)
    {
        int i = Group.IdxX;
        args.Y[i] = Warp.ShuffleUp(args.X[i], 3);
        args.Y[32 + i] = Warp.ShuffleDown(args.X[i], 3);
        args.Y[64 + i] = Warp.Shuffle(new Float4 { B = i }, 31 - i).B;
        // The last number is the width of a sub-warp, as in ILGPU.
        args.Y[96 + i] = Warp.ShuffleXor(args.X[i], 12, 8);
        args.Y[128 + i] = Warp.ShuffleDown(args.X[i], 3, 8);
        args.Y[160 + i] = Warp.Shuffle(args.X[i], 9, 8);
    }

    [Fact]
    public void Shuffles()
    {
        using var lab = new Lab();
        lab.Launch(ShuffleEveryWay, 32).Findings.Should().BeEmpty();
        float[] y = lab.Y.Span<float>()[..192].ToArray();
        for (int i = 0; i < 32; i++)
        {
            y[i].Should().Be(i < 3 ? i : i - 3);
            y[32 + i].Should().Be(i > 28 ? i : i + 3);
            y[64 + i].Should().Be(31 - i);
            y[96 + i].Should().Be(i, "lane xor 12 is outside a sub-warp of 8");
            y[128 + i].Should().Be(i % 8 > 4 ? i : i + 3);
            y[160 + i].Should().Be(i / 8 * 8 + 1);
        }
    }

    private static void UseAtomics(LabArgs args)
    {
        int i = Group.IdxX;
        Atomic.Add(ref args.N[0], i);
        Atomic.Max(ref args.N[1], i);
        Atomic.Min(ref args.N[2], i - 5);
        Atomic.Or(ref args.N[3], 1 << (i % 8));
        Atomic.Add(ref args.Y[0], 0.5f);
        Atomic.Max(ref args.Y[1], args.X[i]);
        if (Atomic.CompareExchange(ref args.N[4], 0, i + 1) == 0)
            Atomic.Exchange(ref args.N[5], i + 7);
    }

    [Fact]
    public void Atomics()
    {
        using var lab = new Lab();
        lab.Launch(UseAtomics, 64, grid: 2).Findings.Should().BeEmpty();
        lab.N.Span<int>()[..6].ToArray().Should().Equal(2 * 63 * 32, 63, -5, 255, 1, 7);
        lab.Y.Span<float>()[..2].ToArray().Should().Equal(64, 63);
    }

    private static void UseDynamic(LabArgs args)
    {
        ArrayView<float> all = SharedMemory.GetDynamic<float>();
        ArrayView<int> fixedSize = SharedMemory.Allocate<int>(4);
        all[Group.IdxX] = Group.IdxX;
        fixedSize[Group.IdxX % 4] = 1;
        Group.Barrier();
        ArrayView<float> again = SharedMemory.GetDynamic<float>();
        args.Y[Group.IdxX] = again[3 - Group.IdxX];
        if (Group.IsFirstThread)
            args.N[0] = again.IntLength;
    }

    [Fact]
    public void Dynamic_shared_memory()
    {
        using var lab = new Lab();
        LaunchReport report = lab.Launch(UseDynamic, 4, dynamicSharedBytes: 40);
        report.Findings.Should().BeEmpty();
        report.SharedBytesPerGroup.Should().Be(48 + 16, "the static array starts on a multiple of 16");
        lab.Y.Span<float>()[..4].ToArray().Should().Equal(3, 2, 1, 0);
        lab.N.Span<int>()[0].Should().Be(10);
    }

    private static void UseViews(LabArgs args)
    {
        ArrayView<float> x = args.X;
        // A call with two numbers is start and length, whatever their types.
        args.Y[0] = x.SubView(5L, 2).Length + x.SubView(5, 2L).Length + x.SubView(5, 2).Length;
        args.Y[1] = x.SubView(8).AsAligned(16)[new Index1D(1)];
        args.Y[2] = x.Cast<Float4>()[3].C;
        args.Y[3] = x.Cast<Float4>().Cast<int>().Length;
        args.Y[4] = x.AlignTo(16).Main[0] + x.SubView(1).AlignTo(16).Main[0];
        args.Y[5] = Interop.IntAsFloat(Interop.FloatAsInt(1.5f) + 1) > 1.5f ? XMath.Exp2(3) : 0;
        args.Y[6] = (float)(ILGPU.Half)2049f;
        args.Y[7] = x.SubView(10, 0).IsValid || default(ArrayView<float>).IsValid ? 1 : 0;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Views_and_scalars(bool check)
    {
        using var lab = new Lab(new SimulatorOptions { Check = check });
        lab.Launch(UseViews, 1).Findings.Should().BeEmpty();
        lab.Y.Span<float>()[..8].ToArray().Should().Equal(6, 9, 14, Lab.Length, 4, 8, 2048, 0);
    }

    // Races, wrong indices, divergence and a sum of floats whose order matters, all at once.
    private static void MisbehaveEverywhere(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(64);
        int i = Group.IdxX;
        tile[(i * 7) % 64] = 0.1f * i + Grid.IdxX;
        if (i % 5 == 0)
            Group.Barrier();
        Atomic.Add(ref args.Y[0], tile[(i + 1) % 64] is float value && value < 1000 ? 0.1f * i : 0.3f);
        args.Y[1 + i] = args.X[Lab.Length - 20 + i];
    }

    [Fact]
    public void Two_runs_give_equal_reports_and_bits()
    {
        using var first = new Lab();
        using var second = new Lab();
        LaunchReport a = first.Launch(MisbehaveEverywhere, 96, grid: 5);
        second.Launch(SumByTree, 256, grid: 2);
        second.Y.Span<float>().Clear();
        LaunchReport b = second.Launch(MisbehaveEverywhere, 96, grid: 5);
        a.Findings.Should().NotBeEmpty().And.Equal(b.Findings);
        a.Sites.Should().NotBeEmpty().And.Equal(b.Sites);
        first.Y.Span<float>().SequenceEqual(second.Y.Span<float>()).Should().BeTrue();
    }

    private static void ManyBarriers(LabArgs args)
    {
        for (int i = 0; i < 100; i++)
            Group.Barrier();
    }

    [Fact]
    public void A_hundred_barriers_of_256_lanes_are_quick()
    {
        using var lab = new Lab();
        lab.Launch(ManyBarriers, 256).BarriersPerGroup.Should().Be(100);
        long start = Stopwatch.GetTimestamp();
        lab.Launch(ManyBarriers, 256).Findings.Should().BeEmpty();
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"{elapsed.TotalNanoseconds / (100 * 256):F0} ns a switch");
        // Ten times what it takes alone on a slow machine: a test beside it may hold the processor.
        elapsed.Should().BeLessThan(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void Launches_of_several_devices_run_at_once()
    {
        Parallel.For(0, 8, _ =>
        {
            using var lab = new Lab();
            lab.Launch(SumByShuffle, 256, grid: 4).Findings.Should().BeEmpty();
            lab.Y.Span<float>()[3].Should().Be(256f * 3 * 256 + 255 * 128);
        });
    }

    private static void DoNothing(LabArgs args)
    {
    }

    [Fact]
    public void Wrong_launches_are_refused()
    {
        using var lab = new Lab();
        lab.Invoking(l => l.Launch(DoNothing, 1025)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*1 to 1024 lanes*");
        lab.Invoking(l => l.Launch(DoNothing, 0)).Should().Throw<ArgumentOutOfRangeException>();
        lab.Invoking(l => l.Launch(DoNothing, 1, grid: 0)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*at least one group*");
        lab.Invoking(l => l.Launch(DoNothing, 1, dynamicSharedBytes: 50_000)).Should().Throw<ArgumentOutOfRangeException>();
        lab.X.Invoking(x => x.View<float>(1, Lab.Length)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => Group.IdxX).Should().Throw<InvalidOperationException>().WithMessage("*inside a running kernel*");
        lab.X.Dispose();
        lab.X.Invoking(x => x.View<float>()).Should().Throw<ObjectDisposedException>();
        lab.Device.Dispose();
        lab.Invoking(l => l.Launch(DoNothing, 1)).Should().Throw<ObjectDisposedException>();
    }
}
