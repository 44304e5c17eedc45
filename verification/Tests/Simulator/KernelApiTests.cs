using AttnKernels.Simulation;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace AttnKernels.Tests.Simulator;

/// <summary>The kernel API gives what that of ILGPU gives.</summary>
public class KernelApiTests
{
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
        bool all = Group.BarrierAnd(i < 40), none = Group.BarrierAnd(i < 39);
        bool any = Group.BarrierOr(i == 39), never = Group.BarrierOr(i == 40);
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
}
