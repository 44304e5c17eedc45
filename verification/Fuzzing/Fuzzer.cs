using System.Diagnostics;

namespace AttnKernels.Verification;

/// <summary>How long to fuzz, and over what.</summary>
public sealed record FuzzOptions
{
    /// <summary>Decides every problem: problem n of a seed is the same on every device and in every run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How large problems may be.</summary>
    public CaseSize Size { get; init; } = CaseSize.Normal;

    /// <summary>No problem is begun after this; null = no limit.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>Most problems; null = no limit.</summary>
    public long? Count { get; init; }

    /// <summary>Only this operation; null = all.</summary>
    public string? Operation { get; init; }

    /// <summary>Ends the run: many failures are mostly the same one.</summary>
    public int MaxFailures { get; init; } = 5;

    /// <summary>For each failure.</summary>
    public TimeSpan ShrinkTime { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>A problem that failed.</summary>
/// <param name="Index">Its number in the run.</param>
/// <param name="Found">As it was drawn.</param>
/// <param name="Shrunk">The smallest one found that fails in the same way.</param>
/// <param name="Result">What became of the shrunk one.</param>
public sealed record FuzzFailure(long Index, FuzzProblem Found, FuzzProblem Shrunk, CaseResult Result);

/// <summary>The problems of one operation that one kernel ran, or that none did (an empty name).</summary>
/// <param name="Operation">As <see cref="VerificationCase.Operation"/>.</param>
/// <param name="Kernel">As <see cref="CaseResult.Kernel"/>.</param>
public sealed record FuzzTally(string Operation, string Kernel)
{
    /// <summary>Within their bounds.</summary>
    public int Passed { get; internal set; }

    /// <summary>Wrong.</summary>
    public int Failed { get; internal set; }

    /// <summary>The device has no kernel for them.</summary>
    public int Unsupported { get; internal set; }

    /// <summary>Of those that passed, how many have a result whose bounds are above all of its elements.</summary>
    public int Unproven { get; internal set; }

    /// <summary>Largest error / bound.</summary>
    public double Worst { get; internal set; }

    /// <summary>Largest error over what <see cref="PlainRule"/> allows.</summary>
    public double AgainstPlain { get; internal set; }

    /// <summary>The problem with that ratio.</summary>
    public string AgainstPlainAt { get; internal set; } = "";
}

/// <summary>What a run found.</summary>
/// <param name="Tallies">Counts, by operation and kernel.</param>
/// <param name="Failures">In the order found, each shrunk.</param>
/// <param name="Unsupported">The reasons given, with how often.</param>
public sealed record FuzzReport(
    IReadOnlyList<FuzzTally> Tallies, IReadOnlyList<FuzzFailure> Failures, IReadOnlyDictionary<string, int> Unsupported);

/// <summary>Runs random problems against the reference and shrinks those that fail.</summary>
public static class Fuzzer
{
    /// <summary>Runs problems 0, 1, 2, ... of the seed until time, count, failures or <paramref name="cancel"/> end it.</summary>
    /// <param name="device">Where they run.</param>
    /// <param name="options">How long, and over what.</param>
    /// <param name="progress">Receives each result as it comes, also while a failure is being shrunk.</param>
    /// <param name="cancel">Ends the run; what was found so far is returned.</param>
    public static FuzzReport Run(
        AttentionDevice device, FuzzOptions options, IProgress<CaseResult>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        return Run(problem => problem.Case.Run(device), options, progress, cancel);
    }

    /// <summary>The same with anything that runs a problem.</summary>
    internal static FuzzReport Run(
        Func<FuzzProblem, CaseResult> run, FuzzOptions options, IProgress<CaseResult>? progress = null, CancellationToken cancel = default)
    {
        Dictionary<(string, string), FuzzTally> tallies = [];
        List<FuzzFailure> failures = [];
        Dictionary<string, int> unsupported = [];
        Stopwatch watch = Stopwatch.StartNew();
        for (long index = 0; IsGoingOn(index); index++)
        {
            FuzzProblem problem = FuzzProblem.Random(options.Seed, index, options.Size, options.Operation);
            CaseResult result = RunOne(problem);
            Count(tallies, result);
            if (result.Outcome == Outcome.Unsupported)
                unsupported[result.Detail] = unsupported.GetValueOrDefault(result.Detail) + 1;
            if (result.Outcome != Outcome.Failed) continue;
            (FuzzProblem shrunk, result) = FuzzShrinker.Shrink(problem, result, RunOne, options.ShrinkTime, cancel);
            failures.Add(new FuzzFailure(index, problem, shrunk, result));
        }
        return new FuzzReport([.. tallies.Values], failures, unsupported);

        bool IsGoingOn(long index) => !cancel.IsCancellationRequested
            && failures.Count < options.MaxFailures && !(index >= options.Count) && !(watch.Elapsed >= options.Time);

        CaseResult RunOne(FuzzProblem problem)
        {
            CaseResult result = run(problem);
            progress?.Report(result);
            return result;
        }
    }

    private static void Count(Dictionary<(string, string), FuzzTally> tallies, CaseResult result)
    {
        (string, string) key = (result.Case.Operation, result.Kernel);
        if (!tallies.TryGetValue(key, out FuzzTally? tally))
            tallies[key] = tally = new FuzzTally(result.Case.Operation, result.Kernel);
        switch (result.Outcome)
        {
            case Outcome.Passed: tally.Passed++; break;
            case Outcome.Failed: tally.Failed++; break;
            default: tally.Unsupported++; break;
        }
        if (result.Outcome == Outcome.Passed && result.ProvesNothing) tally.Unproven++;
        tally.Worst = Math.Max(tally.Worst, result.Worst);
        if (result.AgainstPlain > tally.AgainstPlain) (tally.AgainstPlain, tally.AgainstPlainAt) = (result.AgainstPlain, result.Case.Name);
    }
}
