using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Simulator;

/// <summary>Lanes that do not meet where they should, and lanes that fail: findings, and never a launch that hangs.</summary>
public class DivergenceTests
{
    private static void ReturnBeforeBarrier(LabArgs args)
    {
        if (args.Mode == 0 && Group.IdxX == 5)
            return;
        Group.Barrier();
        args.Y[Grid.GlobalIndex.X] = 1;
    }

    [Fact]
    public void Barrier_that_a_lane_never_reaches()
    {
        using var lab = new Lab();
        Finding finding = lab.Launch(ReturnBeforeBarrier, 64, grid: 2).Findings.Should().ContainSingle().Which;
        finding.Kind.Should().Be(FindingKind.BarrierDivergence);
        (finding.Lane, finding.OtherLane, finding.Occurrences).Should().Be((0, 5, 2L));
        finding.Message.Should().Be("lane 0 waits at the group barrier, but lane 5 has ended.");
        lab.Y.Span<float>()[63].Should().Be(1, "the other lanes go on");
        Lab.Run(ReturnBeforeBarrier, 64, grid: 2, mode: 1).Findings.Should().BeEmpty();
    }

    private static void TwoBarriers(LabArgs args)
    {
        if (args.Mode == 0 && Group.IdxX >= 32)
            Group.Barrier();
        else
            Group.Barrier();
    }

    private static void OneBarrier(LabArgs args) => Group.Barrier();

    [Fact]
    public void Barriers_at_different_lines()
    {
        Finding finding = Lab.Run(TwoBarriers, 64).Findings.Should().ContainSingle().Which;
        finding.Kind.Should().Be(FindingKind.BarrierDivergence);
        (finding.Lane, finding.OtherLane).Should().Be((0, 32));
        finding.Message.Should().Contain("waits at the group barrier of DivergenceTests.cs:");
        Lab.Run(OneBarrier, 64).Findings.Should().BeEmpty();
    }

    private static void UnequalLoops(LabArgs args)
    {
        for (int i = 0; i < 3 + (args.Mode == 0 && Group.IdxX == 7 ? 1 : 0); i++)
            Group.Barrier();
    }

    [Fact]
    public void Barrier_reached_a_different_number_of_times()
    {
        Finding finding = Lab.Run(UnequalLoops, 33).Findings.Should().ContainSingle().Which;
        (finding.Kind, finding.Lane, finding.OtherLane).Should().Be((FindingKind.BarrierDivergence, 7, 0));
        LaunchReport clean = Lab.Run(UnequalLoops, 33, mode: 1);
        clean.Findings.Should().BeEmpty();
        clean.BarriersPerGroup.Should().Be(3);
    }

    private static void ShuffleSome(LabArgs args)
    {
        float value = Group.IdxX;
        if (args.Mode != 0 || Group.IdxX < 24)
            value = Warp.ShuffleXor(value, 1);
        args.Y[Group.IdxX] = value;
    }

    [Fact]
    public void Shuffle_without_some_lanes()
    {
        using var lab = new Lab();
        Finding finding = lab.Launch(ShuffleSome, 32).Findings.Should().ContainSingle().Which;
        (finding.Kind, finding.Lane, finding.OtherLane).Should().Be((FindingKind.ShuffleMissingLanes, 0, 24));
        finding.Message.Should().Contain("lane 0 waits at the shuffle, but lane 24 has ended");
        finding.Occurrences.Should().Be(8);
        lab.Y.Span<float>()[0].Should().Be(1);
        lab.Y.Span<float>()[31].Should().Be(31);
        Lab.Run(ShuffleSome, 32, mode: 1).Findings.Should().BeEmpty();
    }

    private static void ShuffleFromMissingLane(LabArgs args) =>
        args.Y[Group.IdxX] = Warp.ShuffleXor((float)Group.IdxX, args.Mode == 0 ? 16 : 1);

    [Fact]
    public void Shuffle_from_a_lane_that_a_short_warp_lacks()
    {
        LaunchReport report = Lab.Run(ShuffleFromMissingLane, 40);
        Finding finding = report.Findings.Should().ContainSingle().Which;
        (finding.Kind, finding.Lane, finding.OtherLane, finding.Occurrences).Should().Be((FindingKind.ShuffleMissingLanes, 32, 48, 8L));
        Lab.Run(ShuffleFromMissingLane, 40, mode: 1).Findings.Should().BeEmpty();
    }

    private static void ShuffleFromOutside(LabArgs args) => args.Y[Group.IdxX] = Warp.Shuffle(1f, args.Mode == 0 ? 32 : 31);

    [Fact]
    public void Shuffle_from_outside_the_warp()
    {
        Lab.Run(ShuffleFromOutside, 32).Findings.Should().ContainSingle().Which.Message.Should().Contain("no such lane in a warp of 32");
        Lab.Run(ShuffleFromOutside, 32, mode: 1).Findings.Should().BeEmpty();
    }

    private static void ShuffleAgainstBarrier(LabArgs args)
    {
        if (Group.IdxX % 2 == 0)
            Group.Barrier();
        else
            args.Y[Group.IdxX] = Warp.ShuffleXor(1f, 2);
    }

    [Fact]
    public void Shuffle_while_others_wait_at_a_barrier_ends()
    {
        LaunchReport report = Lab.Run(ShuffleAgainstBarrier, 32);
        report.Findings.Select(f => f.Kind).Should().Equal(FindingKind.ShuffleMissingLanes, FindingKind.BarrierDivergence);
    }

    private static void WarpBarrierSome(LabArgs args)
    {
        if (args.Mode != 0 || Group.IdxX != 3)
            Warp.Barrier();
    }

    [Fact]
    public void Warp_barrier_without_a_lane()
    {
        Finding finding = Lab.Run(WarpBarrierSome, 32).Findings.Should().ContainSingle().Which;
        (finding.Kind, finding.OtherLane).Should().Be((FindingKind.BarrierDivergence, 3));
        Lab.Run(WarpBarrierSome, 32, mode: 1).Findings.Should().BeEmpty();
    }

    private static void Fail(LabArgs args)
    {
        int[] nothing = args.Mode == 1 ? null! : [1];
        int zero = args.N[0];
        if (Group.IdxX == 33 && args.Mode == 0)
            args.N[1] = 1 / zero;
        if (Group.IdxX == 33 && args.Mode == 1)
            args.N[1] = nothing[0];
        if (Group.IdxX == 33 && args.Mode == 2)
            args.N[1] = nothing[zero + 1];
        Group.Barrier();
        args.Y[Grid.GlobalIndex.X] = 1;
    }

    [Theory]
    [InlineData(0, nameof(DivideByZeroException))]
    [InlineData(1, nameof(NullReferenceException))]
    [InlineData(2, nameof(IndexOutOfRangeException))]
    public void Exception_in_a_lane(int mode, string exception)
    {
        using var lab = new Lab();
        LaunchReport report = lab.Launch(Fail, 64, grid: 3, mode: mode);
        Finding finding = report.Findings.Should().ContainSingle("that the lane is missing at the barrier says nothing new").Which;
        finding.Kind.Should().Be(FindingKind.LaneException);
        (finding.Lane, finding.Occurrences, finding.Group).Should().Be((33, 3L, new Index3D(0, 0, 0)));
        finding.Message.Should().StartWith($"lane 33 ended with {exception}");
        finding.Site.Should().StartWith("DivergenceTests.cs:");
        lab.Y.Span<float>()[63].Should().Be(1, "the other lanes go on");
        lab.Launch(Fail, 64, mode: 3).Findings.Should().BeEmpty();
    }

    private static void Poll(LabArgs args)
    {
        if (Group.IdxX == 2)
        {
            while (args.N[0] == 0)
                args.Y[0] = args.X[args.N[0]];
        }
        Group.Barrier();
    }

    [Fact]
    public void Lane_without_end()
    {
        using var lab = new Lab(new SimulatorOptions { MaxAccessesBetweenStops = 100_000 });
        Finding finding = lab.Launch(Poll, 32).Findings.Should().ContainSingle().Which;
        (finding.Kind, finding.Lane).Should().Be((FindingKind.Endless, 2));
        finding.Message.Should().Contain("131072 accesses");
        lab.N.Span<int>()[0] = 1;
        lab.Launch(Poll, 32).Findings.Should().BeEmpty();
    }

    private static void ReadOutside(LabArgs args) => args.Y[Group.IdxX] = args.X[Lab.Length - 1 + Group.IdxX];

    [Fact]
    public void Without_checks_an_index_outside_still_harms_nobody()
    {
        using var lab = new Lab(new SimulatorOptions { Check = false });
        Finding finding = lab.Launch(ReadOutside, 2).Findings.Should().ContainSingle().Which;
        (finding.Kind, finding.Lane).Should().Be((FindingKind.LaneException, 1));
        lab.Y.Span<float>()[0].Should().Be(Lab.Length - 1);
    }
}
