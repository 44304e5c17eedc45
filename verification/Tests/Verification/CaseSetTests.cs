using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>
/// The case set: complete, unambiguous, and passed by every device that is present; by the simulator in SanitizerTests.
/// </summary>
public class CaseSetTests
{
    private static readonly string[] Devices = ["cpu", "ilgpu-cpu", "opencl:0", "cuda:0"];
    private static readonly string[] Operations =
        ["matmul", "matmul-naive", "softmax", "log-softmax", "scores", "attention", "attention+weights", "rotary", "cache-append", "merge"];

    /// <summary>Every device that any build knows, but the simulator, times every operation.</summary>
    public static TheoryData<string, string> DevicesAndOperations =>
        [.. Devices.SelectMany(_ => Operations, (device, operation) => (device, operation))];

    [Theory]
    [MemberData(nameof(DevicesAndOperations))]
    public void Passes(string name, string operation)
    {
        using AttentionDevice device = PresentDevices.OpenOrSkip(name);
        if (operation == "matmul-naive" && device.Info.Kind == DeviceKind.Cpu) Assert.Skip("The cpu device has no kernels of kernels/.");

        VerificationReport report = Verifier.Run(device, operation, cancel: TestContext.Current.CancellationToken);

        report.Results.Should().NotBeEmpty();
        ShouldPass(report);
    }

    /// <summary>No case fails, and none is without a kernel but for mixtures of types.</summary>
    internal static void ShouldPass(VerificationReport report)
    {
        report.Results.Where(r => r.Outcome == Outcome.Failed).Select(r => $"{r.Case.Title}: {r.Detail}").Should().BeEmpty();
        report.Results.Where(r => r.Outcome == Outcome.Unsupported && !MixesTypes(r.Case)).Select(r => $"{r.Case.Title}: {r.Detail}")
            .Should().BeEmpty("only mixtures of types may lack a kernel");
    }

    private static bool MixesTypes(VerificationCase c) => c switch
    {
        MatmulCase m => m.Problem.TypeA != m.Problem.TypeB || m.Problem.TypeB != m.Problem.TypeC,
        SoftmaxCase s => s.Problem.Type != s.Problem.OutputType,
        _ => false,
    };

    [Fact]
    public void Names_are_unique()
    {
        Verifier.Cases.Select(c => c.Title).Should().OnlyHaveUniqueItems();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(10_000)]
    public void Every_case_is_in_one_part(int count)
    {
        Enumerable.Range(1, count).SelectMany(part => Verifier.Part(Verifier.Cases, part, count)).Select(c => c.Title)
            .Order(StringComparer.Ordinal).Should().Equal(Verifier.Cases.Select(c => c.Title).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Operations_are_those_that_are_tested()
    {
        Verifier.Cases.Select(c => c.Operation).Distinct().Should().BeEquivalentTo(Operations);
    }

    [Theory]
    [InlineData("softmax", "softmax")]
    [InlineData("log-softmax", "log-softmax")]
    [InlineData("attention", "attention")]
    public void Filter_takes_whole_operations(string filter, string operation)
    {
        Verifier.Select(filter, CaseSize.Normal).Select(c => c.Operation).Distinct().Should().Equal(operation);
    }

    [Fact]
    public void Filter_combines_words_and_alternatives()
    {
        Verifier.Select("attention float16 causal, matmul bfloat16", CaseSize.Normal).Should().OnlyContain(c =>
            (c.Operation == "attention" && c.Type == DType.Float16 && c.Name.Contains("causal"))
            || (c.Operation == "matmul" && c.Title.Contains("BFloat16")));
    }

    [Fact]
    public void Small_devices_get_small_cases()
    {
        Verifier.Select(null, CaseSize.Tiny).Should().OnlyContain(c => c.Size == CaseSize.Tiny).And.HaveCountGreaterThan(100);
    }

    [Fact]
    public void Sampled_rows_find_what_all_rows_find()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        AttentionProblem problem = new()
        {
            Batch = 1, HeadsQ = 2, SeqQ = 65, SeqKv = 129, HeadDim = 16, Causal = CausalMask.BottomRight, Lse = true,
        };
        AttentionCase all = new(problem, new CaseOptions(), "sampling", CaseSize.Normal);

        CaseResult sampled = (all with { SampledRows = 10 }).Run(device), full = all.Run(device);

        sampled.Outcome.Should().Be(Outcome.Passed);
        sampled.Worst.Should().BePositive().And.BeLessThanOrEqualTo(full.Worst);
    }
}
