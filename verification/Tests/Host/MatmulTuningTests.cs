#if KERNEL_API_SIMULATOR
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Host;

/// <summary>What was measured on a device: how it is kept, when it is not believed, and that plans follow it.</summary>
public sealed class MatmulTuningTests : IDisposable
{
    private static readonly MatmulProblem Problem = new() { Type = DType.Float16, M = 40, N = 48, K = 600 };
    private static readonly TunedProblem Tuned = new() { Problem = TuningClass.Of(Problem), Tile = "128x128", Parts = 2 };

    private readonly string path = Directory.CreateTempSubdirectory("attn-tuning").FullName;
    private readonly AttentionDevice device = AttentionDevice.Open("simulator");

    private CacheFolder Folder => new(path);

    public void Dispose()
    {
        device.Dispose();
        Directory.Delete(path, recursive: true);
    }

    [Fact]
    public void Plans_follow_what_was_measured()
    {
        Explain(Problem).Should().Contain("64x64x64").And.NotContain("measured");
        Tuning.None.With([Tuned]).Write(Folder, device.Info).Should().StartWith(path);
        ((KernelDevice)device.Backend).Tuning = Tuning.Read(Folder, device.Info);

        Explain(Problem).Should().Contain("128x128x64").And.Contain("attn tune measured").And.Contain("2 parts of 320 of K");
        Explain(Problem with { Beta = 1 }).Should().Contain("attn tune measured", "the same product, finished in another way");
        MatmulProblem[] others =
        [
            Problem with { M = 41 }, Problem with { TransposeB = true }, Problem with { Type = DType.BFloat16 }, Problem with { Parts = 1 },
        ];
        foreach (MatmulProblem other in others)
            Explain(other).Should().NotContain("measured");
    }

    [Fact]
    public void A_file_that_is_damaged_or_of_other_kernels_is_named_and_not_used()
    {
        string file = Tuning.None.With([Tuned]).Write(Folder, device.Info)!;
        string good = File.ReadAllText(file);
        foreach ((string from, string to, string remark) in ((string, string, string)[])
            [
                (good, "", "is damaged and not used"), (good, "null", "it is empty"), ("{", "[", "is damaged and not used"),
                ("\"128x128\"", "\"99x99\"", "there is no tile 99x99"), ("\"Parts\": 2", "\"Parts\": 0", "with 0 parts"),
                ("\"Problems\"", "\"Others\"", "it has no problems"),
                ("\"Version\": 2", "\"Version\": 1", "with other kernels"), ("128x256x64", "128x256x32", "with other kernels"),
            ])
        {
            good.Should().Contain(from);
            File.WriteAllText(file, good.Replace(from, to, StringComparison.Ordinal));
            ((KernelDevice)device.Backend).Tuning = Tuning.Read(Folder, device.Info);
            Explain(Problem).Should().Contain("64x64x64").And.Contain(file).And.Contain(remark);
        }
        Tuning.Read(Folder, device.Info with { ComputeUnits = 7 }).Remark.Should().Contain("another device");
        Tuning.Read(new CacheFolder(null), device.Info).Remark.Should().BeEmpty();
    }

    [Fact]
    public void Every_candidate_is_measured_and_the_fastest_taken()
    {
        TunedProblem result = MatmulTuner.Measure(device, Problem, rounds: 1);
        result.Milliseconds!.Keys
            .Should().Equal("128x256", "128x256 in 2 parts", "128x128", "128x128 in 2 parts", "64x64", "64x64 in 2 parts");

        MatmulPick estimate = MatmulPick.Estimate((KernelDevice)device.Backend, Problem);
        IReadOnlyList<MatmulProblem> candidates = MatmulTuner.Candidates(device.Info, Problem);
        Pick(5, 4, 6, 3, 3.05, 9).Should().Be("64x64", "3 % is noise, and the estimate stands");
        Pick(5, 4, 6, 3, 3.2, 9).Should().Be("128x128 in 2 parts");

        string Pick(params double[] medians)
        {
            TunedProblem picked = MatmulTuner.Result(Problem, estimate, candidates, medians);
            return Tuner.Label(picked.Tile, picked.Parts);
        }
    }

    [Fact]
    public void What_does_not_run_on_tensor_cores_has_nothing_to_tune() =>
        FluentActions.Invoking(() => MatmulTuner.Measure(device, Problem with { Type = DType.Float32 }, 1))
            .Should().Throw<NotSupportedException>().WithMessage("*nothing to tune*fp32 is multiplied as fp32*");

    private string Explain(MatmulProblem problem)
    {
        using MatmulPlan plan = device.Plan(problem);
        return plan.Explain();
    }
}
#endif
