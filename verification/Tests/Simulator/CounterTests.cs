using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Simulator;

/// <summary>Counters against values computed by hand. A warp has 32 lanes, a sector 32 bytes, shared memory 32 banks of 4 bytes.</summary>
public class CounterTests
{
    private static void LoadStrided(LabArgs args) => args.Y[Group.IdxX] = 1 + args.X[Group.IdxX * args.Mode];

    [Theory]
    [InlineData(1, 4)]    // 128 bytes side by side
    [InlineData(2, 8)]
    [InlineData(8, 32)]   // a sector for each lane
    [InlineData(32, 32)]
    public void Strided_loads(int stride, int sectorsPerWarp)
    {
        LaunchReport report = Lab.Run(LoadStrided, 64, mode: stride);
        report.Loads.Should().Be(new GlobalCounters(2, 256, 2 * sectorsPerWarp, 8));
        report.Stores.Should().Be(new GlobalCounters(2, 256, 8, 8));
        report.Loads.Excess.Should().Be(sectorsPerWarp / 4.0);
        report.UncountedAccesses.Should().Be(0);
    }

    private static void LoadReversed(LabArgs args) => args.Y[Group.IdxX] = 1 + args.X[31 - Group.IdxX];

    private static void LoadShifted(LabArgs args) => args.Y[Group.IdxX] = 1 + args.X[Group.IdxX + 1];

    private static void LoadSame(LabArgs args) => args.Y[Group.IdxX] = args.X[7];

    [Fact]
    public void Reversed_shifted_and_broadcast_loads()
    {
        Lab.Run(LoadReversed, 32).Loads.Should().Be(new GlobalCounters(1, 128, 4, 4));
        Lab.Run(LoadShifted, 32).Loads.Should().Be(new GlobalCounters(1, 128, 5, 4));
        Lab.Run(LoadSame, 32).Loads.Should().Be(new GlobalCounters(1, 128, 1, 1));
    }

    private static void CopyVectors(LabArgs args) => args.Y.Cast<Float4>()[Group.IdxX] = args.X.SubView(4).Cast<Float4>()[Group.IdxX];

    [Fact]
    public void Vector_copies()
    {
        LaunchReport report = Lab.Run(CopyVectors, 32);
        report.Loads.Should().Be(new GlobalCounters(1, 512, 17, 16), "the view starts half a sector in");
        report.Stores.Should().Be(new GlobalCounters(1, 512, 16, 16));
    }

    private static void LoadAndStoreInPlace(LabArgs args) => args.X[Group.IdxX] = 1 + args.X[Group.IdxX];

    [Fact]
    public void Reading_and_writing_an_element_is_a_load_and_a_store()
    {
        LaunchReport report = Lab.Run(LoadAndStoreInPlace, 32);
        report.Loads.Requests.Should().Be(1);
        report.Stores.Requests.Should().Be(1);
    }

    private static void LoadTail(LabArgs args)
    {
        // The last lanes have one more.
        for (int i = 31 - Group.IdxX; i < 40; i += 32)
            args.Y[i] = 1 + args.X[i];
        args.Y[64 + Group.IdxX] = 1 + args.X[64 + Group.IdxX];
    }

    [Fact]
    public void Lanes_that_skip_an_access_still_share_the_next()
    {
        LaunchReport report = Lab.Run(LoadTail, 32);
        report.Loads.Should().Be(new GlobalCounters(3, 128 + 32 + 128, 4 + 1 + 4, 4 + 1 + 4));
    }

    private static void AddAtomically(LabArgs args) => Atomic.Add(ref args.N[Group.IdxX % 2], 1);

    [Fact]
    public void Atomics_are_counted_apart()
    {
        using var lab = new Lab();
        LaunchReport report = lab.Launch(AddAtomically, 32, grid: 2);
        report.Findings.Should().BeEmpty();
        report.Atomics.Should().Be(new GlobalCounters(2, 256, 2, 2));
        report.Stores.Requests.Should().Be(0);
        lab.N.Span<int>()[1].Should().Be(32);
    }

    private static void ReadSharedStrided(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(2048);
        for (int i = Group.IdxX; i < 2048; i += 32)
            tile[i] = i;
        Group.Barrier();
        args.Y[Group.IdxX] = tile[Group.IdxX * args.Mode];
    }

    [Theory]
    [InlineData(0, 1)]    // all lanes one word: a broadcast
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]    // odd strides meet every bank once
    [InlineData(32, 32)]
    [InlineData(33, 1)]   // the usual padding
    public void Bank_conflicts_of_strided_reads(int stride, int wavefronts)
    {
        LaunchReport report = Lab.Run(ReadSharedStrided, 32, mode: stride);
        report.Findings.Should().BeEmpty();
        report.Sites.Select(s => s.Shared).Where(s => s.Requests > 0).Should().Equal(
            new SharedCounters(64, 64 * 128, 64, 0), new SharedCounters(1, 128, wavefronts, wavefronts - 1));
        report.SharedBytesPerGroup.Should().Be(8192);
        report.BarriersPerGroup.Should().Be(1);
    }

    private static void ReadSharedVectors(LabArgs args)
    {
        ArrayView<Float4> tile = SharedMemory.Allocate<float>(1024).Cast<Float4>();
        tile[Group.IdxX] = new Float4 { A = 1 };
        Group.Barrier();
        args.Y[Group.IdxX] = tile[Group.IdxX % args.Mode * (32 / args.Mode)].A;
    }

    [Theory]
    [InlineData(32, 4, 0)]   // side by side: four passes of eight lanes
    [InlineData(4, 16, 12)]  // four vectors 128 bytes apart, all in the same four banks
    public void Vector_reads_go_by_quarter_warps(int distinct, int wavefronts, int conflicts)
    {
        LaunchReport report = Lab.Run(ReadSharedVectors, 32, mode: distinct);
        SharedCounters read = report.Sites.Last(s => s.Shared.Requests > 0).Shared;
        read.Should().Be(new SharedCounters(1, 512, wavefronts, conflicts));
    }

    private static void ShuffleTwice(LabArgs args)
    {
        float sum = Warp.ShuffleXor(1f, 1);
        Warp.Barrier();
        args.Y[Grid.GlobalIndex.X] = sum;
    }

    [Fact]
    public void Groups_lanes_and_collectives()
    {
        LaunchReport report = Lab.Run(ShuffleTwice, 64, grid: 3);
        (report.Groups, report.Lanes, report.WarpCollectives, report.BarriersPerGroup).Should().Be((3L, 192L, 12L, 0L));
    }

    private static void ReadLong(LabArgs args)
    {
        float sum = 0;
        for (int i = 0; i < 70_000; i++)
            sum += args.X[i % Lab.Length];
        args.Y[0] = sum;
    }

    [Fact]
    public void Accesses_past_the_log_are_told()
    {
        LaunchReport report = Lab.Run(ReadLong, 1);
        report.UncountedAccesses.Should().Be(65_536);
        report.Loads.Requests.Should().Be(70_000 - 65_536);
        report.Findings.Should().BeEmpty();
    }

    [Fact]
    public void Nothing_is_counted_where_nobody_asks()
    {
        using var lab = new Lab(new SimulatorOptions { Count = false });
        LaunchReport report = lab.Launch(LoadStrided, 64, mode: 1);
        report.Sites.Should().BeEmpty();
        lab.Y.Span<float>()[5].Should().Be(6);
    }
}
