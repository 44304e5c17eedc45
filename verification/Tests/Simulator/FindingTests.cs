using AttnKernels.Simulation;
using ILGPU;
using ILGPU.Runtime;

namespace AttnKernels.Tests.Simulator;

/// <summary>Each mistake in a small kernel is found and named; the kernel without it is clean. Mode 0 is the broken one.</summary>
public class FindingTests
{
    private static Finding TheFinding(LaunchReport report, FindingKind kind)
    {
        Finding finding = report.Findings.Should().ContainSingle().Which;
        finding.Kind.Should().Be(kind, finding.Message);
        finding.Kernel.Should().StartWith("FindingTests.").And.Be(report.Kernel);
        finding.Site.Should().StartWith("FindingTests.cs:");
        return finding;
    }

    // Mode 0 lets the last lane of the last group read one element too far.
    private static void Shift(LabArgs args)
    {
        int i = Grid.GlobalIndex.X;
        if (args.Mode == 0 || i + 1 < Lab.Length)
            args.Y[i] = args.X[i + 1];
    }

    [Fact]
    public void Out_of_bounds()
    {
        using var lab = new Lab();
        Finding finding = TheFinding(lab.Launch(Shift, 64, Lab.Length / 64), FindingKind.OutOfBounds);
        finding.Array.Should().Be("x");
        finding.Index.Should().Be(Lab.Length);
        finding.Lane.Should().Be(63);
        finding.Group.Should().Be(new Index3D(Lab.Length / 64 - 1, 0, 0));
        finding.Occurrences.Should().Be(1);
        lab.Y.Span<float>()[0].Should().Be(1);
        lab.Y.Span<float>()[Lab.Length - 1].Should().Be(float.NaN, "what lies outside reads as NaN");

        lab.Launch(Shift, 64, Lab.Length / 64, mode: 1).Findings.Should().BeEmpty();
    }

    private static void WriteFarOutside(LabArgs args)
    {
        args.Y[args.Mode == 0 ? -1_000_000_000_000L : 0L] = 5;
        ArrayView<float> middle = args.X.SubView(100, 8);
        args.Y[1] = middle[args.Mode == 0 ? 8 : 7];
    }

    [Fact]
    public void Out_of_bounds_far_away_and_of_a_sub_view()
    {
        LaunchReport report = Lab.Run(WriteFarOutside, 1);
        report.Findings.Select(f => (f.Kind, f.Array, f.Index)).Should().Equal(
            (FindingKind.OutOfBounds, "y", -1_000_000_000_000L), (FindingKind.OutOfBounds, "x", 108L));
        Lab.Run(WriteFarOutside, 1, mode: 1).Findings.Should().BeEmpty();
    }

    private static void TakeSubView(LabArgs args) => args.Y[0] = args.X.SubView(Lab.Length - 4, args.Mode == 0 ? 5 : 4)[3];

    [Fact]
    public void Sub_view_that_sticks_out()
    {
        Finding finding = TheFinding(Lab.Run(TakeSubView, 1), FindingKind.OutOfBounds);
        finding.Array.Should().Be("x");
        finding.Index.Should().Be(Lab.Length - 4);
        finding.Message.Should().Contain("sub-view of 5 elements");
        Lab.Run(TakeSubView, 1, mode: 1).Findings.Should().BeEmpty();
    }

    private static void ReadMissingView(LabArgs args) => args.Y[0] = args.Mode == 0 ? default(ArrayView<float>)[3] : args.X[3];

    [Fact]
    public void View_of_nothing()
    {
        TheFinding(Lab.Run(ReadMissingView, 1), FindingKind.OutOfBounds).Message.Should().Contain("empty view");
        Lab.Run(ReadMissingView, 1, mode: 1).Findings.Should().BeEmpty();
    }

    private static void Copy(LabArgs args) => args.Y[Grid.GlobalIndex.X] = args.X[Grid.GlobalIndex.X];

    [Fact]
    public void Use_after_free()
    {
        using var lab = new Lab();
        LabArgs args = lab.Args(0);
        lab.Device.Launch(Copy, args, (2, 1, 1), (32, 1, 1)).Findings.Should().BeEmpty();
        lab.X.Dispose();
        Finding finding = TheFinding(lab.Device.Launch(Copy, args, (2, 1, 1), (32, 1, 1)), FindingKind.UseAfterFree);
        finding.Array.Should().Be("x");
        finding.Lane.Should().Be(0);
        finding.Occurrences.Should().Be(64);
    }

    private static void ReadVector(LabArgs args)
    {
        ArrayView<Float4> vectors = args.X.SubView(args.Mode == 0 ? 2 : 4).Cast<Float4>();
        args.Y[Group.IdxX] = vectors[Group.IdxX].B;
    }

    [Fact]
    public void Misaligned_vector()
    {
        Finding finding = TheFinding(Lab.Run(ReadVector, 8), FindingKind.Misaligned);
        finding.Array.Should().Be("x");
        finding.Message.Should().Contain("16 bytes at byte offset 8 of x");
        Lab.Run(ReadVector, 8, mode: 1).Findings.Should().BeEmpty();
    }

    private static void PromiseAlignment(LabArgs args) => args.Y[0] = args.X.SubView(args.Mode == 0 ? 1 : 4).AsAligned(16)[0];

    [Fact]
    public void Broken_promise_of_alignment()
    {
        TheFinding(Lab.Run(PromiseAlignment, 1), FindingKind.Misaligned).Message.Should().Contain("multiple of 16");
        Lab.Run(PromiseAlignment, 1, mode: 1).Findings.Should().BeEmpty();
    }

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
        report.Findings.Select(f => f.Kind).Should().BeEquivalentTo([FindingKind.UninitialisedShared, FindingKind.SharedRace, FindingKind.SharedRace]);
        Finding race = report.Findings.First(f => f.Kind == FindingKind.SharedRace);
        race.Array.Should().Be("shared#0 Float32[64]");
        (race.Lane, race.OtherLane, race.Index).Should().Be((1, 0, 0L));
        race.Message.Should().StartWith("lane 1 accesses element 0 of shared#0 Float32[64], which lane 0 writes at FindingTests.cs:");

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
        Finding finding = TheFinding(Lab.Run(MixWidths, 2), FindingKind.SharedRace);
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
        Finding finding = TheFinding(Lab.Run(WriteHalfWords, 32), FindingKind.SharedRace);
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
        TheFinding(Lab.Run(TrustShuffle, 32), FindingKind.SharedRace).OtherLane.Should().Be(1);
        Lab.Run(TrustShuffle, 32, mode: 1).Findings.Should().BeEmpty();
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
        Finding finding = TheFinding(Lab.Run(CountTogether, 48), FindingKind.SharedRace);
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
        Finding finding = TheFinding(Lab.Run(WriteGroupRows, 32, grid: 2), FindingKind.GlobalRace);
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
        Finding finding = TheFinding(lab.Launch(ReadUnwritten, 64, grid: 2), FindingKind.UninitialisedShared);
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
        TheFinding(Lab.Run(WritePartOfVector, 1), FindingKind.UninitialisedShared);
        Lab.Run(WritePartOfVector, 1, mode: 1).Findings.Should().BeEmpty();
    }

    private static void AllocateTooMuch(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(args.Mode == 0 ? 12 * 1024 + 1 : 12 * 1024);
        tile[Group.IdxX] = 1;
    }

    [Fact]
    public void Too_much_shared_memory()
    {
        Finding finding = TheFinding(Lab.Run(AllocateTooMuch, 32), FindingKind.TooMuchShared);
        finding.Array.Should().Be("shared#0 Float32[12289]");
        finding.Message.Should().Contain("49156").And.Contain("49152");
        Lab.Run(AllocateTooMuch, 32, mode: 1).Findings.Should().BeEmpty();
    }

    private static void AllocateFarTooMuch(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(1 << 28);
        Group.Barrier();
        tile[0] = 1;
    }

    [Fact]
    public void More_shared_memory_than_the_simulator_has_room_for_ends_the_lanes()
    {
        Finding finding = TheFinding(Lab.Run(AllocateFarTooMuch, 32), FindingKind.TooMuchShared);
        finding.Occurrences.Should().Be(32);
    }

    private static void AllocateByLane(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(args.Mode == 0 ? 32 + Group.IdxX : 32);
        tile[Group.IdxX] = 1;
    }

    [Fact]
    public void Shared_arrays_that_differ_between_lanes()
    {
        Finding finding = TheFinding(Lab.Run(AllocateByLane, 2), FindingKind.SharedMismatch);
        finding.Lane.Should().Be(1);
        finding.Message.Should().Contain("Float32[33]").And.Contain("Float32[32]");
        Lab.Run(AllocateByLane, 2, mode: 1).Findings.Should().BeEmpty();
    }

    [Fact]
    public void Findings_can_be_thrown()
    {
        using var lab = new Lab(new SimulatorOptions { ThrowOnFinding = true });
        lab.Invoking(l => l.Launch(Shift, 64, Lab.Length / 64)).Should().Throw<SimulationException>()
            .Where(e => e.Report.Findings.Count == 1).WithMessage("OutOfBounds in FindingTests.Shift at FindingTests.cs:*element 4096*");
    }

    [Fact]
    public void Memory_around_a_buffer_is_watched()
    {
        using var lab = new Lab();
        lab.Launch(WriteAround, 1);
        LaunchReport report = lab.Launch(WriteAround, 1, mode: 1);
        report.Findings.Should().ContainSingle().Which.Array.Should().Be("y");
        lab.Launch(WriteAround, 1).Findings.Should().BeEmpty("the zones have been restored");
    }

    private static void WriteAround(LabArgs args)
    {
        ref float last = ref args.Y[Lab.Length - 1];
        System.Runtime.CompilerServices.Unsafe.Add(ref last, args.Mode) = 3;
    }
}
