using System.Diagnostics;

namespace AttnKernels.Verification;

/// <summary>Makes a failing problem small: each choice as simple as the failure allows, over and over until none can be simpler.</summary>
internal static class FuzzShrinker
{
    /// <summary>
    /// The smallest problem found that fails in the same way, and its result. Greedy: no single choice of it can be the simplest or a
    /// step simpler, unless <paramref name="limit"/> ran out or <paramref name="cancel"/> came first.
    /// </summary>
    public static (FuzzProblem Problem, CaseResult Result) Shrink(
        FuzzProblem problem, CaseResult failure, Func<FuzzProblem, CaseResult> run, TimeSpan limit, CancellationToken cancel)
    {
        Stopwatch watch = Stopwatch.StartNew();
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (string name in problem.Choices.Select(c => c.Name).ToArray())
                while (TrySimplify(name)) changed = true;
        }
        return (problem, failure);

        bool TrySimplify(string name)
        {
            // A choice that an earlier one made meaningless is gone.
            if (problem.Choices.FirstOrDefault(c => c.Name == name) is not { } choice) return false;
            foreach (int value in choice.Simpler())
            {
                if (watch.Elapsed > limit || cancel.IsCancellationRequested) return false;
                FuzzProblem candidate = problem.With(choice, value);
                CaseResult result = run(candidate);
                if (result.Outcome != Outcome.Failed || KindOf(result) != KindOf(failure)) continue;
                (problem, failure) = (candidate, result);
                return true;
            }
            return false;
        }
    }

    /// <summary>So that one failure is not shrunk into another: the exception, or what is wrong with the result.</summary>
    private static string KindOf(CaseResult result)
    {
        int end = result.Detail.IndexOf("Exception: ", StringComparison.Ordinal);
        if (end >= 0) return result.Detail[..end];
        return double.IsPositiveInfinity(result.Worst) ? "not the NaN, infinity or exact value expected"
            : result.Worst > 1 ? "outside the bound" : "overwritten";
    }
}
