using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The problems that cover every pair of values: they do, and a sample of them passes.</summary>
public sealed class PairwiseTests
{
    /// <summary>Every Sample-th problem runs here; <c>attn verify --set Pairs</c> runs all.</summary>
    private const int Sample = 23;

    [Fact]
    public void Every_pair_of_values_stands_in_a_row()
    {
        int[] sizes = [2, 3, 5, 4, 2];
        IReadOnlyList<int[]> rows = CoveringArray.Pairs(sizes, 7);
        for (int a = 0; a < sizes.Length; a++)
            for (int b = a + 1; b < sizes.Length; b++)
                rows.Select(row => (row[a], row[b])).Distinct().Should().HaveCount(sizes[a] * sizes[b], $"factors {a} and {b}");
        rows.Count.Should().BeInRange(20, 30, "the two largest factors have 20 pairs, all of them 135");
    }

    [Fact]
    public void Problems_are_distinct_and_can_be_replayed()
    {
        FuzzProblem[] problems = [.. PairwiseSet.Problems(arrays: 1)];
        problems.Select(p => p.Text).Should().OnlyHaveUniqueItems();
        problems.Should().HaveCountGreaterThan(300);
        foreach (FuzzProblem problem in problems) FuzzProblem.Parse(problem.Text).Text.Should().Be(problem.Text);
        string all = string.Join('\n', problems.Select(p => p.Text));
        foreach (string form in (string[])["ring=yes", "paged=yes", "sequences=yes", "kvType=Int8", "weights=yes", "rule=LogBias",
            "logits=x50"])
            all.Should().Contain(form);
    }

    [Fact]
    public void A_sample_passes()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        VerificationCase[] sample = [.. PairwiseSet.Problems(arrays: 1).Where((_, n) => n % Sample == 0).Select(p => p.Case)];
        sample.Should().HaveCountGreaterThan(10);
        foreach (VerificationCase verification in sample)
        {
            CaseResult result = verification.Run(device);
            result.Outcome.Should().Be(Outcome.Passed, $"of {verification.Name}: {result.Detail}");
        }
    }
}
