using System.Text.RegularExpressions;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>
/// Where NVIDIA's assembler is installed, makes machine code of the PTX of every instantiation: what a register tile needs to be one shows
/// there.
/// </summary>
public sealed partial class MachineCodegenTests
{
    private const int Hopper = 227 * 1024;

    [Theory]
    [MemberData(nameof(CodegenTests.Names), MemberType = typeof(CodegenTests))]
    public void MachineCodeKeepsTilesInRegisters(string name)
    {
        Ptxas? ptxas = Ptxas.Find();
        Assert.SkipWhen(ptxas is null, "ptxas and cuobjdump are not installed; set ATTN_PTXAS to their folder");
        KernelEntry entry = CompiledKernels.Entry(name);
        KernelText kernel = CompiledKernels.Get(entry);
        PtxasReport report = ptxas.Assemble(kernel.Text, "sm_90");

        report.StackBytes.Should().Be(0);
        (report.SpillStores + report.SpillLoads).Should().Be(0);
        (report.Count("LDL") + report.Count("STL")).Should().Be(0);
        (report.SharedBytes + kernel.DynamicSharedBytes).Should().Be(entry.SharedBytes).And.BeLessThanOrEqualTo(Hopper);
        report.SharedBytes.Should().BeLessThanOrEqualTo(PtxText.StaticSharedLimit, "more is given at the launch only");
        (report.Registers * entry.GroupSize).Should().BeLessThanOrEqualTo(65536, "a group must fit into a multiprocessor's registers");
        TileLoops.ShouldFit(entry, report);
    }

    public static TheoryData<string> TensorFlashNames =>
        [.. KernelCatalog.All.Select(entry => entry.Name).Where(name => name.StartsWith("TensorFlashForward", StringComparison.Ordinal))];

    /// <summary>
    /// The same for sm_80, where ptxas gives these kernels more registers than for sm_90. The few that do not fit spill around tiles that a
    /// mask cuts, or once a step of the three products of TF32; never in the loop over whole tiles.
    /// </summary>
    [Theory]
    [MemberData(nameof(TensorFlashNames))]
    public void OnAmpereWholeTilesDoNotSpill(string name)
    {
        Ptxas? ptxas = Ptxas.Find();
        Assert.SkipWhen(ptxas is null, "ptxas and cuobjdump are not installed; set ATTN_PTXAS to their folder");
        PtxasReport report = ptxas.Assemble(CompiledKernels.Get(name).Text, "sm_80");

        int most = name switch
        {
            _ when name.EndsWith("16 128x64 D<=96 PlainScore", StringComparison.Ordinal) => 24,
            _ when name.EndsWith("16 128x64 D<=96 PlainScore PackedKeys", StringComparison.Ordinal) => 24,
            _ when name.EndsWith("16 128x32 D<=128 GeneralScore", StringComparison.Ordinal) => 72,
            "TensorFlashForward tf32x3 64x32 D<=64 PlainScore" => 8,
            _ => 0,
        };
        report.StackBytes.Should().BeLessThanOrEqualTo(most);
        if (name.Contains("16 ", StringComparison.Ordinal) && name.Contains(nameof(PlainScore), StringComparison.Ordinal))
        {
            MachineLoop wholeTiles = report.Loops.MaxBy(loop => (double)loop.Count("HMMA") / loop.Length)!;
            (wholeTiles.Count("LDL") + wholeTiles.Count("STL")).Should().Be(0);
        }
    }

    /// <summary>
    /// Q K^T and P V each have a place where four 128-bit loads follow one another with no jump and no arithmetic on floats between them:
    /// a lane waits for the first when all are on their way.
    /// </summary>
    [Fact]
    public void FlashDecodeHasFourLoadsInFlight()
    {
        Ptxas? ptxas = Ptxas.Find();
        Assert.SkipWhen(ptxas is null, "ptxas and cuobjdump are not installed; set ATTN_PTXAS to their folder");
        string listing = Path.GetTempFileName();
        foreach (KernelEntry entry in KernelCatalog.All.Where(entry => entry.Name.StartsWith("FlashDecode", StringComparison.Ordinal)))
        {
            ptxas.Assemble(CompiledKernels.Get(entry).Text, "sm_90", listing);
            int places = 0, loads = 0;
            foreach (Match opcode in OpcodePattern().Matches(File.ReadAllText(listing)))
            {
                if (opcode.ValueSpan.Contains("LDG.E.128", StringComparison.Ordinal)) loads++;
                else if (opcode.Groups[1].Success) loads = 0;
                else continue;
                if (loads == 4) places++;
            }
            places.Should().BeGreaterThanOrEqualTo(2, entry.Name);
        }
        File.Delete(listing);
    }

    [Fact]
    public void EditedModulesAssemble()
    {
        Ptxas? ptxas = Ptxas.Find();
        Assert.SkipWhen(ptxas is null, "ptxas and cuobjdump are not installed; set ATTN_PTXAS to their folder");
        KernelEntry entry = KernelCatalog.All.First(e => e.Name.StartsWith("FlashForward", StringComparison.Ordinal));
        string ptx = PtxText.Retarget(CompiledKernels.Get(entry).Text, 9, 0);
        ptx = PtxText.BoundLaunch(ptx, entry.GroupSize, 2);
        ptx = PtxText.MoveToDynamicShared(ptx, out int bytes);

        PtxasReport report = ptxas.Assemble(ptx, "sm_90");

        ptx.Should().Contain(".target sm_90").And.NotContain("__shared_alloca");
        bytes.Should().Be(entry.SharedBytes);
        report.SharedBytes.Should().Be(0, "all of it is given at the launch");
        report.Count("LDS").Should().BePositive();
    }

    /// <summary>An instruction; the group is there where it is a jump, a barrier or arithmetic on floats.</summary>
    [GeneratedRegex(@"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P[0-9T]+\s+)?(?:(BRA|BSYNC|BAR|EXIT|FFMA|FMUL|FADD|HADD2)|[A-Z])[A-Z0-9.]*")]
    private static partial Regex OpcodePattern();
}
