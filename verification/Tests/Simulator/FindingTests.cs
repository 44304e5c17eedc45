using AttnKernels.Simulation;
using ILGPU;
using ILGPU.Runtime;

namespace AttnKernels.Tests.Simulator;

/// <summary>Each mistake in a small kernel is found and named; the kernel without it is clean. Mode 0 is the broken one.</summary>
public class FindingTests
{
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
        Finding finding = Lab.TheFinding(lab.Launch(Shift, 64, Lab.Length / 64), FindingKind.OutOfBounds);
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
        Finding finding = Lab.TheFinding(Lab.Run(TakeSubView, 1), FindingKind.OutOfBounds);
        finding.Array.Should().Be("x");
        finding.Index.Should().Be(Lab.Length - 4);
        finding.Message.Should().Contain("sub-view of 5 elements");
        Lab.Run(TakeSubView, 1, mode: 1).Findings.Should().BeEmpty();
    }

    private static void ReadMissingView(LabArgs args) => args.Y[0] = args.Mode == 0 ? default(ArrayView<float>)[3] : args.X[3];

    [Fact]
    public void View_of_nothing()
    {
        Lab.TheFinding(Lab.Run(ReadMissingView, 1), FindingKind.OutOfBounds).Message.Should().Contain("empty view");
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
        Finding finding = Lab.TheFinding(lab.Device.Launch(Copy, args, (2, 1, 1), (32, 1, 1)), FindingKind.UseAfterFree);
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
        Finding finding = Lab.TheFinding(Lab.Run(ReadVector, 8), FindingKind.Misaligned);
        finding.Array.Should().Be("x");
        finding.Message.Should().Contain("16 bytes at byte offset 8 of x");
        Lab.Run(ReadVector, 8, mode: 1).Findings.Should().BeEmpty();
    }

    private static void PromiseAlignment(LabArgs args) => args.Y[0] = args.X.SubView(args.Mode == 0 ? 1 : 4).AsAligned(16)[0];

    [Fact]
    public void Broken_promise_of_alignment()
    {
        Lab.TheFinding(Lab.Run(PromiseAlignment, 1), FindingKind.Misaligned).Message.Should().Contain("multiple of 16");
        Lab.Run(PromiseAlignment, 1, mode: 1).Findings.Should().BeEmpty();
    }

    private static void AllocateTooMuch(LabArgs args)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(args.Mode == 0 ? 227 * 256 + 1 : 227 * 256);
        tile[Group.IdxX] = 1;
    }

    [Fact]
    public void Too_much_shared_memory()
    {
        Finding finding = Lab.TheFinding(Lab.Run(AllocateTooMuch, 32), FindingKind.TooMuchShared);
        finding.Array.Should().Be("shared#0 Float32[58113]");
        finding.Message.Should().Contain("232452").And.Contain("232448");
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
        Finding finding = Lab.TheFinding(Lab.Run(AllocateFarTooMuch, 32), FindingKind.TooMuchShared);
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
        Finding finding = Lab.TheFinding(Lab.Run(AllocateByLane, 2), FindingKind.SharedMismatch);
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
