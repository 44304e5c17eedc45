using System.CommandLine;
using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Tests.Bench;

public class OptionTests
{
    [Theory]
    [InlineData("--device cude", "--device cude: there are cpu")]
    [InlineData("--workload nothing-*", "bert-base-128, bert-base-512")]
    [InlineData("--dtype fp8", "fp32, fp16, bf16 and all")]
    [InlineData("--peers mkl", "naive, tensorprimitives, onnxruntime, openblas, pytorch, all and none")]
    [InlineData("--threads 0", "there are 1 to")]
    [InlineData("--quick --full", "exclude each other")]
    public void AnUnknownValueIsRefusedWithWhatThereIs(string line, string message)
    {
        (int code, BenchOptions? options, string errors) = Parse(line);
        code.Should().Be(2);
        options.Should().BeNull();
        errors.Should().Contain(message);
    }

    [Fact]
    public void AnUnknownOptionIsRefused()
    {
        (int code, BenchOptions? options, string errors) = Parse("--frobnicate");
        code.Should().NotBe(0);
        options.Should().BeNull();
        errors.Should().Contain("--frobnicate");
    }

    [Fact]
    public void OptionsArrive()
    {
        const string line = "--workload s512*,vit-* --dtype fp16,bf16 --threads 1 --peers naive,openblas --json a.json --out b";
        BenchOptions options = Parse(line).Options!;
        options.Types.Should().Equal(DType.Float16, DType.BFloat16);
        options.Threads.Should().Be(1);
        options.Peers.Should().Equal("naive", "openblas");
        options.JsonFile.Should().Be("a.json");
        options.OutFolder.Should().Be("b");
        WorkloadSelection.Of(options).Select(w => (w.Name, w.Type)).Should().Equal(
            ("vit-b16-197", DType.Float16), ("vit-b16-197", DType.BFloat16),
            ("s512", DType.Float16), ("s512", DType.BFloat16), ("s512-causal", DType.Float16), ("s512-causal", DType.BFloat16));
    }

    [Fact]
    public void QuickLeavesTheLargeWorkloadsOutUnlessNamed()
    {
        IReadOnlyList<Workload> quick = WorkloadSelection.Of(Parse("--quick").Options!);
        quick.Should().NotContain(w => w.FullOnly || w.NamedOnly).And.OnlyContain(w => w.Type == DType.Float32);
        WorkloadSelection.Of(Parse("--workload s8192").Options!).Should().ContainSingle();
        WorkloadSelection.Of(Parse("--full").Options!).Count.Should().Be(3 * WorkloadTable.All.Count(w => !w.NamedOnly));
        WorkloadSelection.Of(Parse("--workload gpu-decode-32768-b*").Options!).Should().HaveCount(2);
    }

    [Fact]
    public void OnlyAWholeRunGoesToTheCommittedResults()
    {
        Parse("--peers all").Options!.IsWhole(BenchCommand.AllThreads).Should().BeTrue();
        foreach (string part in (string[])["--workload s512", "--peers none", "--dtype fp16", "--device cpu"])
            Parse(part).Options!.IsWhole(BenchCommand.AllThreads).Should().BeFalse(part);
    }

    private static (int Code, BenchOptions? Options, string Errors) Parse(string line)
    {
        BenchOptions? options = null;
        RootCommand command = BenchCommand.Create(o =>
        {
            options = o;
            return 0;
        });
        using var errors = new StringWriter();
        using var output = new StringWriter();
        int code = command.Parse(line).Invoke(new InvocationConfiguration { Error = errors, Output = output });
        return (code, options, errors.ToString());
    }
}
