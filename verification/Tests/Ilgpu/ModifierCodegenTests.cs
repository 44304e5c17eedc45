using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using AttnKernels.Verification;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>Score rules of the user's compiled for CUDA: inlined, in registers, or refused.</summary>
public sealed class ModifierCodegenTests
{
    public static TheoryData<string> Rules => [nameof(TableBias), nameof(DilatedWindow), nameof(LogBias)];

    [Theory]
    [MemberData(nameof(Rules))]
    public void RulesAreCompiledIn(string rule)
    {
        KernelEntry[] entries = rule switch
        {
            nameof(TableBias) => FlashTable<float, Float32Element, UserScore<TableBias>, PlainKeys<float, Float32Element>>.Entries,
            nameof(DilatedWindow) => FlashTable<ushort, Float16Element, UserScore<DilatedWindow>, GeneralKeys>.Entries,
            _ => FlashTable<ushort, BFloat16Element, UserScore<LogBias>, PlainKeys<ushort, BFloat16Element>>.Entries,
        };
        PtxCompiler compiler = new();
        Ptxas? ptxas = Ptxas.Find();
        foreach (KernelEntry entry in entries)
        {
            string ptx = compiler.Compile(entry).Text;
            ptx.Should().NotContain(".local").And.NotMatchRegex(@"(?m)^\s*call", "the rule is inlined");
            if (ptxas is null) continue;
            PtxasReport report = ptxas.Assemble(ptx, "sm_90");
            (report.StackBytes, report.SpillStores + report.SpillLoads).Should().Be((0, 0), entry.Name);
            (report.Registers * entry.GroupSize).Should().BeLessThanOrEqualTo(65536);
        }
    }

    [Fact]
    public void CodeThatNoDeviceRunsIsRefused()
    {
        using AttentionDevice device = AttentionDevice.Open("ilgpu-cpu");
        AttentionProblem problem = new() { Batch = 1, HeadsQ = 1, SeqQ = 4, SeqKv = 4, HeadDim = 8 };
        FluentActions.Invoking(() => device.Plan<Allocating>(problem)).Should().Throw<NotSupportedException>()
            .WithMessage("Device ilgpu-cpu cannot compile kernel FlashForward*UserScore<Allocating>*");
    }
}

/// <summary>Makes a string of its score, which no kernel can.</summary>
public readonly struct Allocating : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => score.ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
}
