#if KERNEL_API_SIMULATOR
using System.Runtime.CompilerServices;
using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The list of mutants fits the sources, and the machinery that judges them kills and spares as it should.</summary>
public class MutationTests
{
    private static readonly string Root = MutationScore.FindRoot(Folder())!;

    [Fact]
    public void Every_mutant_has_one_place_in_its_file()
    {
        foreach (Mutant mutant in MutationScore.Mutants)
        {
            string source = File.ReadAllText(Path.Combine(Root, mutant.File));
            mutant.Apply(source).Should().NotBe(source, $"{mutant} changes something");
            mutant.New.Should().NotBe(mutant.Old, $"{mutant} changes something");
        }
    }

    [Fact]
    public void Names_are_unique_and_likely_cases_exist()
    {
        MutationScore.Mutants.Select(m => m.Name).Should().OnlyHaveUniqueItems().And.HaveCountGreaterThanOrEqualTo(40);
        foreach (Mutant mutant in MutationScore.Mutants)
            Verifier.Select(mutant.Likely, mutant.Device == "cpu" ? CaseSize.Normal : CaseSize.Tiny).Should()
                .NotBeEmpty($"{mutant} names cases");
    }

    [Theory]
    [InlineData("attention.sum-not-rescaled", "error/bound")]
    [InlineData("attention.no-barrier-after-keys", "race")]
    [InlineData("simd.rotary-sign", "error/bound")]
    public void Kills(string name, string with)
    {
        MutantResult result = new MutationScore(Root)
            .Run(MutationScore.Mutants.Single(m => m.Name == name), cancel: TestContext.Current.CancellationToken);

        result.Verdict.Should().Be(Verdict.Killed, result.Detail);
        result.Detail.Should().ContainEquivalentOf(with);
    }

    [Fact]
    public void Spares_what_changes_nothing()
    {
        Mutant harmless = new("harmless", "kernels/Attention/CacheAppend.cs", "int d = (int)(index - line * args.Dim);",
            "int d = (int)(index % args.Dim);", "nothing", "cache-append");

        // The cases that it names and others after them: that every case passes on the simulator is another test's.
        MutantResult result = new MutationScore(Root).Run(harmless, "cache-append, log-softmax", TestContext.Current.CancellationToken);

        result.Verdict.Should().Be(Verdict.Survived, result.Detail);
    }

    [Theory]
    [InlineData("no such text", "stale mutant")]
    [InlineData("Args", "ambiguous mutant")]
    [InlineData("int d = ", "does not compile")]
    public void Refuses_what_does_not_fit(string old, string complaint)
    {
        Mutant misfit = new("misfit", "kernels/Attention/CacheAppend.cs", old, "", "nothing", "cache-append");

        MutantResult result = new MutationScore(Root).Run(misfit, cancel: TestContext.Current.CancellationToken);

        result.Verdict.Should().Be(Verdict.Invalid);
        result.Detail.Should().Contain(complaint);
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
#endif
