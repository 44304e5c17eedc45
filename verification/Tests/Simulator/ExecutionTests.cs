using System.Diagnostics;
using AttnKernels.Simulation;
using ILGPU;

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
        var args = new MatmulArgs<TimesTwo>
        {
            A = lab.X.View<float>(0, n * n),
            B = lab.X.View<float>(512, n * n),
            C = lab.Y.View<float>(0, n * n),
            Size = n,
            Scale = default,
        };

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
        lab.Invoking(l => l.Launch(DoNothing, 1, grid: 0)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("*at least one group*");
        lab.Invoking(l => l.Launch(DoNothing, 1, dynamicSharedBytes: (227 << 10) + 1)).Should().Throw<ArgumentOutOfRangeException>();
        lab.X.Invoking(x => x.View<float>(1, Lab.Length)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => Group.IdxX).Should().Throw<InvalidOperationException>().WithMessage("*inside a running kernel*");
        lab.X.Dispose();
        lab.X.Invoking(x => x.View<float>()).Should().Throw<ObjectDisposedException>();
        lab.Device.Dispose();
        lab.Invoking(l => l.Launch(DoNothing, 1)).Should().Throw<ObjectDisposedException>();
    }
}
