using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The fuzzer: its problems come from the seed alone, cover every choice, run, and shrink to the smallest that fails.</summary>
public class FuzzTests
{
    [Fact]
    public void The_same_seed_gives_the_same_problems()
    {
        static string[] Problems(ulong seed) =>
            [.. Enumerable.Range(0, 200).Select(n => FuzzProblem.Random(seed, n, CaseSize.Normal).Text)];

        Problems(7).Should().Equal(Problems(7));
        Problems(7).Intersect(Problems(8)).Count().Should().BeLessThan(5, "another seed gives other problems");
    }

    [Fact]
    public void A_problems_text_leads_back_to_it()
    {
        for (int n = 0; n < 500; n++)
        {
            FuzzProblem drawn = FuzzProblem.Random(3, n, CaseSize.Normal);
            FuzzProblem parsed = FuzzProblem.Parse(drawn.Text);

            parsed.Choices.Select(c => c.ToString()).Should().Equal(drawn.Choices.Select(c => c.ToString()));
            parsed.Case.Should().Be(drawn.Case, "problem, options and data are the same");
        }
    }

    [Fact]
    public void Every_value_of_every_choice_is_drawn()
    {
        FuzzProblem[] problems = [.. Enumerable.Range(0, 4000).Select(n => FuzzProblem.Random(5, n, CaseSize.Tiny))];

        problems.Select(p => p.Operation).Distinct().Should().BeEquivalentTo(FuzzGenerator.Operations);
        var choices = problems.SelectMany(p => p.Choices.Select(c => (p.Operation, Choice: c)));
        foreach (var choice in choices.GroupBy(c => (c.Operation, c.Choice.Name)))
        {
            int values = choice.Select(c => c.Choice.Value).Distinct().Count(), labels = choice.First().Choice.Labels.Count;
            values.Should().BeGreaterThanOrEqualTo(labels > 0 ? labels : 3, "{0} should take all its values", choice.Key);
        }
    }

    [Fact]
    public void A_planted_failure_shrinks_to_the_smallest_problem_that_fails()
    {
        FuzzReport report = Fuzzer.Run(
            problem => Result(problem, problem.Case is AttentionCase { Problem: { SeqKv: > 40, Causal.Alignment: not null } }),
            new FuzzOptions { Seed = 1, Count = 200, MaxFailures = 3 });

        report.Failures.Should().HaveCount(3);
        report.Failures.Should().AllSatisfy(failure => failure.Shrunk.Text.Should().Be("attention seqKv=41 causal=TopLeft"));
        report.Failures.Should().AllSatisfy(failure => failure.Found.Should().NotBe(failure.Shrunk));
        report.Tallies.Sum(t => t.Failed).Should().Be(3, "problems that shrinking tries are not counted");
    }

    [Fact]
    public void A_failure_is_not_shrunk_into_one_of_another_kind()
    {
        FuzzReport report = Fuzzer.Run(
            problem => Result(problem, true, problem.Case is SoftmaxCase { Problem.Columns: > 20 } ? "SomeException: it" : "Y[0]: wrong"),
            new FuzzOptions { Seed = 2, Operation = "softmax", MaxFailures = 4 });

        report.Failures.Where(f => f.Result.Detail.StartsWith("Some", StringComparison.Ordinal)).Should().NotBeEmpty()
            .And.AllSatisfy(f => f.Shrunk.Text.Should().Be("softmax columns=21"));
    }

    [Fact]
    public void A_run_ends_with_its_count_its_time_or_a_cancellation()
    {
        using CancellationTokenSource cancel = new();
        int done = 0;

        Total(new FuzzOptions { Seed = 1, Count = 30 }).Should().Be(30);
        Total(new FuzzOptions { Seed = 1, Time = TimeSpan.Zero }).Should().Be(0);
        Total(new FuzzOptions { Seed = 1 }).Should().Be(10, "it was cancelled during problem 10");

        int Total(FuzzOptions options)
        {
            done = 0;
            FuzzReport report = Fuzzer.Run(
                problem =>
                {
                    if (options is { Count: null, Time: null } && ++done == 10) cancel.Cancel();
                    return Result(problem, false);
                },
                options, cancel: cancel.Token);
            return report.Tallies.Sum(t => t.Passed);
        }
    }

    [Theory]
    [InlineData("attnetion seqQ=3", "*no operation*attention*")]
    [InlineData("attention seqK=3", "*no choice 'seqK'*seqKv*")]
    [InlineData("attention causal=Left", "*'Left'*TopLeft*")]
    [InlineData("attention seqQ=0", "*at least 1*")]
    [InlineData("attention seqQ", "*name=value*")]
    public void A_text_that_is_no_problem_is_refused(string text, string message) =>
        FluentActions.Invoking(() => FuzzProblem.Parse(text)).Should().Throw<ArgumentException>().WithMessage(message);

    [Theory]
    [InlineData("cpu", CaseSize.Normal)]
    [InlineData("simulator", CaseSize.Tiny)]
    public void Random_problems_pass(string deviceName, CaseSize size)
    {
        using AttentionDevice device = PresentDevices.OpenOrSkip(deviceName);
        FuzzOptions options = new() { Seed = 12, Size = size, Time = TimeSpan.FromSeconds(2), Count = 300 };

        FuzzReport report = Fuzzer.Run(device, options, cancel: TestContext.Current.CancellationToken);

        report.Tallies.Sum(t => t.Passed).Should().BePositive();
        report.Failures.Select(f => $"{f.Shrunk}: {f.Result.Detail}").Should().BeEmpty();
    }

    [Fact]
    public void A_random_problem_may_prove_nothing_and_is_counted()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        FuzzProblem problem = FuzzProblem.Parse("attention headDim=39 type=Float16 logits=x50 sinks=yes"); // the sink takes all the weight

        CaseResult random = problem.Case.Run(device);
        CaseResult chosen = (problem.Case with { IsRandom = false }).Run(device);

        (random.Outcome, random.ProvesNothing).Should().Be((Outcome.Passed, true), random.Detail);
        (chosen.Outcome, chosen.ProvesNothing).Should().Be((Outcome.Failed, true), chosen.Detail);
        FuzzOptions once = new() { Seed = 1, Count = 1 };
        Fuzzer.Run(_ => random, once).Tallies.Should().ContainSingle().Which.Unproven.Should().Be(1);
    }

    private static CaseResult Result(FuzzProblem problem, bool fails, string detail = "planted") =>
        new(problem.Case, fails ? Outcome.Failed : Outcome.Passed, fails ? 2 : 0, detail);
}
