using AttnKernels.Bench.Measure;
using AttnKernels.Plans;
using AttnKernels.Verification;

namespace AttnKernels.Tests.Host;

/// <summary>What a plan of the CPU device compiles, so that its first run need not.</summary>
public sealed class RehearsalTests
{
    [Fact]
    public void A_kind_is_small_valid_and_its_own_kind()
    {
        AttentionProblem[] problems =
        [
            .. Enumerable.Range(0, 2000).Select(n => FuzzProblem.Random(11, n, CaseSize.Normal).Case)
                .OfType<AttentionCase>().Select(c => c.Problem),
        ];

        problems.Should().HaveCountGreaterThan(500);
        foreach (AttentionProblem problem in problems)
        {
            AttentionProblem kind = Rehearsal.KindOf(problem, threads: 3);
            kind.Validate();
            Rehearsal.KindOf(kind, threads: 3).Should().Be(kind);
            (kind.SeqQ < 128 && kind.SeqKv <= 137 && kind.HeadsKv == 3).Should().BeTrue();
            (kind.HeadsQ / kind.HeadsKv, kind.HeadDim, kind.Bias, kind.Causal.Alignment is null)
                .Should().Be((problem.HeadsQ / problem.HeadsKv, problem.HeadDim, problem.Bias, problem.Causal.Alignment is null));
        }
    }

    /// <summary>Over 200 without a rehearsal.</summary>
    [Fact]
    public void A_first_run_compiles_next_to_nothing() => FirstCall.InNewProcess("cpu", threads: 1).Methods.Should().BeLessThan(20);
}
