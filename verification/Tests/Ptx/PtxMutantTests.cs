using System.Text.RegularExpressions;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using AttnKernels.Tests.Ilgpu;
using AttnKernels.Verification;
using AttnKernels.Verification.Ptx;

namespace AttnKernels.Tests.Ptx;

/// <summary>Faults in the text of kernels, which the simulator cannot see, are seen where the text is executed.</summary>
public sealed partial class PtxMutantTests
{
    private const string Attention = "attention float16 q70 k141 d96:93 causal-BottomRight";
    private const string Matmul = "matmul float16 120x200x344 tt";

    [Theory]
    [InlineData("two halves swapped", Attention, @"(cvt\.rn\.f16x2\.f32\s+%r\d+), (%f\d+), (%f\d+);", "$1, $3, $2;")]
    [InlineData("matrices not transposed", Attention, @"\.trans", "")]
    [InlineData("matrices transposed", Attention, @"x4\.shared", "x4.trans.shared")]
    [InlineData("factors of another type", Attention, @"f32\.f16\.f16\.f32", "f32.bf16.bf16.f32")]
    [InlineData("a fragment's registers swapped", Attention, @"(mma\S+\s+\{[^}]*\}, \{%r\d+), (%r\d+), (%r\d+)", "$1, $3, $2")]
    [InlineData("copies not waited for", Attention, @"cp\.async\.wait_all;", "")]
    [InlineData("copies of half a chunk", Attention, @"(cp\.async\S+\s+\[\S+\], \[\S+\], 16), (%r\d+);", "shr.u32 $2, $2, 1; $1, $2;")]
    [InlineData("one copy too many under way", Matmul, @"wait_group 1;", "wait_group 2;")]
    [InlineData("a neighbour's maximum", Attention, @"(shfl\.sync\.bfly\.b32\s+%f\d+, %f\d+), 2,", "$1, 4,")]
    [InlineData("powers of 0", Attention, @"(ex2\.approx\.ftz\.f32\s+%f\d+), %f\d+;", "$1, 0f00000000;")]
    public void AreSeen(string what, string filter, string pattern, string replacement) =>
        ShouldFail(what, filter, text => Regex.Replace(text, pattern, Lines(replacement)));

    /// <summary>Without any one of its barriers a kernel races or gives wrong numbers, in one of its tiles at least.</summary>
    [Theory]
    [InlineData("attention float16 d64 h8:1 q5 k150, attention float16 d64 h3:1 q70, attention float16 d64 h4:1 q9 lengths-with-0")]
    [InlineData("attention float32 h2:1 q70 k141 d40 causal-BottomRight")]
    [InlineData("matmul float32 65x9x33")]
    [InlineData("softmax float32 3x300 mask")]
    public void NoBarrierIsMissed(string filter)
    {
        Dictionary<string, int> barriers = [];
        Run(filter, (entry, text) =>
        {
            barriers[entry.Name] = BarrierPattern().Count(text);
            return text;
        }).Failed.Should().Be(0);
        barriers.Values.Sum().Should().BePositive();

        bool IsSeen(string kernel, int number) =>
            Run(filter, (entry, text) => entry.Name == kernel ? Without(text, number) : text).Failed > 0;
        Enumerable.Range(0, barriers.Values.Max()).Where(n => !barriers.Keys.Any(kernel => IsSeen(kernel, n)))
            .Should().BeEmpty("each barrier orders something");
    }

    private static string Without(string text, int number)
    {
        int at = 0;
        return BarrierPattern().Replace(text, barrier => at++ == number ? "" : barrier.Value);
    }

    private static void ShouldFail(string what, string filter, Func<string, string> change)
    {
        bool changed = false;
        VerificationReport report = Run(filter, (_, text) =>
        {
            string edited = change(text);
            changed |= edited != text;
            return edited;
        });
        changed.Should().BeTrue("{0}: the text must have what is changed", what);
        report.Failed.Should().BePositive("{0} must be seen by one of {1} cases", what, report.Results.Count);
    }

    private static VerificationReport Run(string filter, Func<KernelEntry, string, string> change)
    {
        KernelText Source(KernelEntry entry)
        {
            KernelText kernel = CompiledKernels.Get(entry);
            return kernel with { Text = change(entry, kernel.Text) };
        }
        using AttentionDevice device = new(new PtxDevice(Source));
        VerificationReport report = Verifier.Run(device, filter, cancel: TestContext.Current.CancellationToken);
        report.Results.Should().NotBeEmpty();
        return report;
    }

    /// <summary>The machine reads one instruction a line.</summary>
    private static string Lines(string replacement) => replacement.Replace("; ", ";\n\t", StringComparison.Ordinal);

    [GeneratedRegex(@"bar\.sync\s+0;")]
    private static partial Regex BarrierPattern();
}
