using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Simulator;

/// <summary>Accesses that nothing orders, and reads of what nobody wrote. Mode 0 of each kernel is the broken one.</summary>
public class RaceTests
{
    // Every lane reads what its neighbour wrote; mode 0 forgets the barrier.
    private static void Rotate(LabArgs args)
    {
        ArrayView<float> ring = SharedMemory.Allocate<float>(64);
        ring[Group.IdxX] = args.X[Group.IdxX];
        if (args.Mode != 0)
            Group.Barrier();
        args.Y[Group.IdxX] = ring[(Group.IdxX + 63) % 64];
    }

    [Fact]
    public void Shared_race_of_a_write_and_a_later_read()
    {
        using var lab = new Lab();
        LaunchReport report = lab.Launch(Rotate, 64);
        // Lane 0 runs first, so it also reads what nobody has written.
        report.Findings.Select(f => f.Kind).Should().Equal(
            FindingKind.UninitialisedShared, FindingKind.SharedRace, FindingKind.SharedRace);
        Finding race = report.Findings.First(f => f.Kind == FindingKind.SharedRace);
        race.Array.Should().Be("shared#0 Float32[64]");
        (race.Lane, race.OtherLane, race.Index).Should().Be((1, 0, 0L));
        race.Message.Should().StartWith("lane 1 accesses element 0 of shared#0 Float32[64], which lane 0 writes at RaceTests.cs:");

        report.Findings.First(f => f.Kind == FindingKind.UninitialisedShared).Index.Should().Be(63);
        Finding late = report.Findings[^1];
        (late.Kind, late.Lane, late.OtherLane, late.Index).Should().Be((FindingKind.SharedRace, 63, 0, 63L));

        lab.Launch(Rotate, 64, mode: 1).Findings.Should().BeEmpty();
        lab.Y.Span<float>()[..3].ToArray().Should().Equal(63, 0, 1);
    }

    // The second barrier keeps a fast lane from overwriting what a slow one still reads.
    private static void Pipeline(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(32);
        for (int k = 0; k < 3; k++)
        {
            tile[Group.IdxX] = args.X[k * 32 + Group.IdxX];
            Group.Barrier();
            args.Y[(Grid.IdxX * 3 + k) * 32 + Group.IdxX] = tile[31 - Group.IdxX];
            if (args.Mode != 0)
                Group.Barrier();
        }
    }

    [Fact]
    public void Shared_race_of_a_read_and_the_next_write()
    {
        LaunchReport report = Lab.Run(Pipeline, 32, grid: 2);
        report.Findings.Should().OnlyContain(f => f.Kind == FindingKind.SharedRace && f.Array == "shared#0 Float32[32]");
        // Lanes 0 to 15 run ahead and overwrite what 16 to 31 have not read; those overwrite what the first have read.
        report.Findings.Select(f => (f.Lane, f.OtherLane, f.Index)).Should().Equal((16, 15, 15L), (16, 15, 16L));
        report.Findings[0].Message.Should().Contain("lane 16 accesses").And.Contain("which lane 15 writes");
        report.Findings[1].Message.Should().Contain("lane 16 writes").And.Contain("which lane 15 accesses");
        Lab.Run(Pipeline, 32, grid: 2, mode: 1).Findings.Should().BeEmpty();
    }

    // Zeros over zeros, as in padded tiles; the second barrier is missing. Mode 2 reads on the line that writes.
    private static void Repeat(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(32);
        for (int k = 0; k < 2; k++)
        {
            tile[Group.IdxX] = args.Mode > 2 ? k : Math.Min(k, 0);
            Group.Barrier();
            args.Y[(k * 32) + Group.IdxX] = args.Mode == 2 ? 0 : tile[31 - Group.IdxX];
            if (args.Mode == 1) Group.Barrier();
        }
    }

    private static void RepeatInPlace(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(32);
        tile[Group.IdxX] = 1;
        Group.Barrier();
        args.Y[Group.IdxX] = tile[31 - Group.IdxX];
        tile[Group.IdxX] += 0;
    }

    [Fact]
    public void A_store_of_what_is_there_already_races_on_a_line_that_only_stores()
    {
        LaunchReport report = Lab.Run(Repeat, 32);
        report.Findings.Should().NotBeEmpty().And.OnlyContain(f => f.Kind == FindingKind.SharedRace && f.Array == "shared#0 Float32[32]");
        Lab.Run(Repeat, 32, mode: 1).Findings.Should().BeEmpty();
        Lab.Run(Repeat, 32, mode: 2).Findings.Should().BeEmpty();
        Lab.Run(RepeatInPlace, 32).Findings.Should().BeEmpty("the line reads, too");
    }

    // A vector write overlaps the scalar that another lane reads. Bytes count, not elements.
    private static void MixWidths(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(16);
        if (Group.IdxX == 0)
            tile.Cast<Float4>()[1] = new Float4 { A = 1, B = 2, C = 3, D = 4 };
        if (args.Mode != 0)
            Group.Barrier();
        if (Group.IdxX == 1)
            args.Y[0] = tile[6];
    }

    [Fact]
    public void Shared_race_between_widths()
    {
        Finding finding = Lab.TheFinding(Lab.Run(MixWidths, 2), FindingKind.SharedRace);
        (finding.Index, finding.Lane, finding.OtherLane).Should().Be((6L, 1, 0));
        Lab.Run(MixWidths, 2, mode: 1).Findings.Should().BeEmpty();
    }

    // Neighbouring half words belong to different lanes: no race, unless two lanes write the same one.
    private static void WriteHalfWords(LabArgs args)
    {
        ArrayView<ushort> tile = SharedMemory.Allocate<ushort>(32);
        tile[args.Mode == 0 ? Group.IdxX / 2 : Group.IdxX] = (ushort)(Group.IdxX + 1);
        Group.Barrier();
        args.Y[Group.IdxX] = tile[args.Mode == 0 ? Group.IdxX / 2 : Group.IdxX];
    }

    [Fact]
    public void Shared_race_of_half_words()
    {
        Finding finding = Lab.TheFinding(Lab.Run(WriteHalfWords, 32), FindingKind.SharedRace);
        finding.Array.Should().Be("shared#0 UInt16[32]");
        (finding.Index, finding.Lane, finding.OtherLane).Should().Be((0L, 1, 0));
        Lab.Run(WriteHalfWords, 32, mode: 1).Findings.Should().BeEmpty();
    }

    // A warp barrier orders the lanes of a warp, and not those of another.
    private static void PassInWarp(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(64);
        int i = Group.IdxX;
        tile[i] = i;
        Warp.Barrier();
        args.Y[i] = tile[args.Mode == 0 ? (i + 32) % 64 : i ^ 1];
    }

    [Fact]
    public void Shared_race_between_warps()
    {
        LaunchReport report = Lab.Run(PassInWarp, 64);
        report.Findings.Where(f => f.Kind == FindingKind.SharedRace).Select(f => (f.Lane, f.OtherLane)).Should().Contain((32, 0));
        Lab.Run(PassInWarp, 64, mode: 1).Findings.Should().BeEmpty();
    }

    // A shuffle makes lanes meet; it does not order their memory accesses.
    private static void TrustShuffle(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(32);
        int i = Group.IdxX;
        tile[i] = i + 1;
        args.Y[i] = Warp.ShuffleXor(1f, 1);
        if (args.Mode != 0)
            Warp.Barrier();
        args.Y[i] += tile[i ^ 1];
    }

    [Fact]
    public void Shared_race_across_a_shuffle()
    {
        Lab.TheFinding(Lab.Run(TrustShuffle, 32), FindingKind.SharedRace).OtherLane.Should().Be(1);
        Lab.Run(TrustShuffle, 32, mode: 1).Findings.Should().BeEmpty();
    }

    // Lane 0 reads first, then the others, then lane 0 writes what only they still need.
    private static void OverwriteAfterReading(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(1);
        if (Group.IdxX == 0)
            tile[0] = 1;
        Group.Barrier();
        float value = args.Mode == 0 || Group.IdxX == 0 ? tile[0] : 1;
        value = Warp.ShuffleXor(value, 1);
        if (Group.IdxX == 0)
            tile[0] = 1 + value;
    }

    [Fact]
    public void Shared_race_of_the_first_reader_with_the_others()
    {
        Finding finding = Lab.TheFinding(Lab.Run(OverwriteAfterReading, 32), FindingKind.SharedRace);
        (finding.Lane, finding.OtherLane).Should().Be((0, 1));
        Lab.Run(OverwriteAfterReading, 32, mode: 1).Findings.Should().BeEmpty("a lane does not race with itself");
    }

    private static void CountTogether(LabArgs args)
    {
        ArrayView<int> count = SharedMemory.Allocate<int>(1);
        if (Group.IdxX == 0)
            count[0] = 0;
        Group.Barrier();
        if (args.Mode == 0)
            count[0] += 1;
        else
            Atomic.Add(ref count[0], 1);
        Group.Barrier();
        if (Group.IdxX == 0)
            Atomic.Max(ref args.N[0], count[0]);
    }

    [Fact]
    public void Shared_race_of_a_plain_sum_and_none_of_an_atomic_one()
    {
        Finding finding = Lab.TheFinding(Lab.Run(CountTogether, 48), FindingKind.SharedRace);
        (finding.Lane, finding.OtherLane).Should().Be((1, 0));
        using var lab = new Lab();
        lab.Launch(CountTogether, 48, grid: 3, mode: 1).Findings.Should().BeEmpty();
        lab.N.Span<int>()[0].Should().Be(48);
    }

    // Mode 0: neighbouring groups overlap by one element.
    private static void WriteGroupRows(LabArgs args)
    {
        int row = Group.DimX - (args.Mode == 0 ? 1 : 0);
        args.Y[Grid.IdxX * row + Group.IdxX] = 1 + Grid.IdxX;
    }

    [Fact]
    public void Global_race_between_groups()
    {
        Finding finding = Lab.TheFinding(Lab.Run(WriteGroupRows, 32, grid: 2), FindingKind.GlobalRace);
        (finding.Array, finding.Index, finding.Lane, finding.OtherLane).Should().Be(("y", 31L, 0, 31));
        finding.Group.Should().Be(new Index3D(1, 0, 0));
        finding.Message.Should().Contain("lane 31 of group (0, 0, 0)");
        Lab.Run(WriteGroupRows, 32, grid: 2, mode: 1).Findings.Should().BeEmpty();
    }

    private static void PassThroughGlobal(LabArgs args)
    {
        args.Y[Group.IdxX] = Group.IdxX + 1;
        if (args.Mode != 0)
            Group.Barrier();
        args.X[Group.IdxX] = args.Y[Group.IdxX ^ 1];
    }

    [Fact]
    public void Global_race_in_a_group_and_none_between_launches()
    {
        LaunchReport report = Lab.Run(PassThroughGlobal, 2);
        report.Findings.Should().OnlyContain(f => f.Kind == FindingKind.GlobalRace && f.Array == "y").And.NotBeEmpty();
        using var lab = new Lab();
        lab.Launch(PassThroughGlobal, 2, mode: 1).Findings.Should().BeEmpty();
        lab.Launch(PassThroughGlobal, 2, mode: 1).Findings.Should().BeEmpty();
    }

    private static void ReadUnwritten(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(64);
        if (Group.IdxX < 60 || args.Mode != 0)
            tile[Group.IdxX] = 0;
        Group.Barrier();
        args.Y[Grid.GlobalIndex.X] = tile[Group.IdxX];
    }

    [Fact]
    public void Uninitialised_shared_memory()
    {
        using var lab = new Lab();
        // A clean group before must not make the memory of the next one look written.
        lab.Launch(ReadUnwritten, 64, mode: 1).Findings.Should().BeEmpty();
        Finding finding = Lab.TheFinding(lab.Launch(ReadUnwritten, 64, grid: 2), FindingKind.UninitialisedShared);
        (finding.Array, finding.Index, finding.Lane).Should().Be(("shared#0 Float32[64]", 60L, 60));
        finding.Occurrences.Should().Be(8);
    }

    private static void WritePartOfVector(LabArgs args)
    {
        ArrayView<Float4> tile = SharedMemory.Allocate<Float4>(1);
        tile[0].A = 1;
        tile[0].C = 3;
        args.Y[0] = args.Mode == 0 ? tile[0].A + tile[0].B : tile.Cast<float>()[0] + tile.Cast<float>()[2];
    }

    [Fact]
    public void Uninitialised_part_of_a_vector()
    {
        Lab.TheFinding(Lab.Run(WritePartOfVector, 1), FindingKind.UninitialisedShared);
        Lab.Run(WritePartOfVector, 1, mode: 1).Findings.Should().BeEmpty();
    }
}
