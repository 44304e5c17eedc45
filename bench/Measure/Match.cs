using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// Times several implementations on one workload so that a disturbance hits all of them: A B C, C B A, A B C, ... with a pause between
/// turns in which the previous one's spinning threads go to sleep. Only what agrees with the reference is timed, before and after. A round
/// that begins or ends on a disturbed machine is repeated by all, which of them it hit or not, until as many rounds again are spent.
/// </summary>
/// <param name="workload">What is computed.</param>
/// <param name="settings">How long to measure.</param>
/// <param name="threads">Threads of the implementations.</param>
/// <param name="isQuiet">Whether nothing else uses the machine now.</param>
/// <param name="progress">Is told what happens.</param>
internal sealed class Match(Workload workload, RunSettings settings, int threads, Func<bool> isQuiet, Action<string> progress)
{
    private const int PauseMs = 30;
    private const int MostWaits = 20;
    private const int RoundsOfLongRuns = 3;
    private readonly List<Measurement> measurements = [];
    private readonly List<Omission> omissions = [];

    /// <summary>What is computed.</summary>
    public Workload Workload => workload;

    /// <summary>Who was timed.</summary>
    public IReadOnlyList<Measurement> Measurements => measurements;

    /// <summary>Who was not, and why.</summary>
    public IReadOnlyList<Omission> Omissions => omissions;

    /// <summary>How the library's plan ran; empty where it does not say.</summary>
    public string Plan { get; private set; } = "";

    /// <summary>Rounds that count although something disturbed them.</summary>
    public int DisturbedRounds { get; private set; }

    /// <summary>Measures all of <paramref name="implementations"/>; the first is never left out for being slow.</summary>
    public void Run(IReadOnlyList<IImplementation> implementations, long cacheBytes)
    {
        progress("inputs and reference");
        List<WorkloadInput> inputs = Inputs(cacheBytes);
        Checker checker = Checker.Of(workload, inputs[0]);
        var contestants = new List<Contestant>();
        try
        {
            foreach (IImplementation implementation in implementations)
            {
                progress($"checking {implementation.Name}");
                if (Best(implementation, inputs, checker) is not { } contestant) continue;
                contestants.Add(contestant);
                if (contestant.Explanation.Length > 0) Plan = contestant.Explanation;
            }
            int repeats = settings.Rounds;
            for (int round = 0; round < settings.Rounds; round++)
            {
                bool wasQuiet = WaitForQuiet();
                Hold(round, contestants);
                bool isDisturbed = !wasQuiet || !isQuiet();
                if (isDisturbed && repeats > 0)
                {
                    foreach (Contestant contestant in contestants) contestant.TakeBack();
                    repeats--;
                    round--;
                    continue;
                }
                foreach (Contestant contestant in contestants) contestant.Keep();
                if (isDisturbed) DisturbedRounds++;
            }
            foreach (Contestant contestant in contestants) Finish(contestant);
        }
        finally
        {
            foreach (Contestant contestant in contestants) contestant.Dispose();
        }
    }

    private void Hold(int round, List<Contestant> contestants)
    {
        Contestant[] turns = [.. round % 2 == 0 ? contestants : Enumerable.Reverse(contestants)];
        foreach (Contestant contestant in turns)
        {
            if (round >= RoundsOfLongRuns && contestant.IsLong) continue;
            progress($"round {round + 1}/{settings.Rounds}, {contestant.Name}");
            Thread.Sleep(PauseMs);
            try
            {
                contestant.Visit(settings.VisitMs);
            }
            catch (Exception e) when (IsReported(e))
            {
                omissions.Add(new Omission(workload.Name, contestant.Label, $"in round {round + 1}: {e.Message}", true));
                contestants.Remove(contestant);
                contestant.Dispose();
            }
        }
    }

    /// <summary>Whether the others are measured all the same.</summary>
    private static bool IsReported(Exception e) => e is not OutOfMemoryException || e is DeviceMemoryException;

    /// <summary>Gives a disturbance a second to pass.</summary>
    private bool WaitForQuiet()
    {
        for (int waits = 0; waits < MostWaits; waits++)
        {
            if (isQuiet()) return true;
            progress("waiting for a quiet machine");
            Thread.Sleep(PauseMs);
        }
        return false;
    }

    private List<WorkloadInput> Inputs(long cacheBytes)
    {
        // Four caches' worth of copies: the first has been evicted when its turn comes again.
        int copies = workload.Streaming ? (int)Math.Ceiling(4.0 * cacheBytes / workload.Bytes) : 1;
        return [.. Enumerable.Range(1, copies).Select(workload.CreateInput)];
    }

    private void Finish(Contestant contestant)
    {
        try
        {
            contestant.Check();
            measurements.Add(new Measurement(
                workload, contestant.Name, contestant.Candidate.Form, threads, contestant.Times, contestant.ErrorOverBound)
            {
                Multiplies = contestant.Candidate.Multiplies ?? workload.InputPrecision,
            });
        }
        catch (Exception e) when (IsReported(e))
        {
            omissions.Add(new Omission(workload.Name, contestant.Label, $"after timing: {e.Message}", true));
        }
    }

    /// <summary>The fastest form of an implementation that gives the right result.</summary>
    private Contestant? Best(IImplementation implementation, List<WorkloadInput> inputs, Checker checker)
    {
        IReadOnlyList<Candidate> candidates = implementation.Candidates(workload, out string reason);
        if (candidates.Count == 0) omissions.Add(new Omission(workload.Name, implementation.Name, reason, false));
        Contestant? best = null;
        foreach (Candidate candidate in candidates)
        {
            Contestant? contestant = Enter(implementation.Name, candidate, inputs, checker);
            if (contestant is null) continue;
            Contestant? loser = best is null || contestant.TypicalMs < best.TypicalMs ? best : contestant;
            if (loser != contestant) best = contestant;
            loser?.Dispose();
        }
        return best;
    }

    private Contestant? Enter(string name, Candidate candidate, List<WorkloadInput> inputs, Checker checker)
    {
        string label = candidate.Label(name);
        if (candidate.ExpectedSeconds > settings.LongestSeconds)
        {
            string reason = FormattableString.Invariant($"would take {candidate.ExpectedSeconds:0.0} s a run");
            omissions.Add(new Omission(workload.Name, label, reason, false));
            return null;
        }
        try
        {
            return Contestant.Enter(name, candidate, inputs, checker);
        }
        catch (NotApplicableException e)
        {
            omissions.Add(new Omission(workload.Name, label, $"not applicable: {e.Message}", false));
            return null;
        }
        catch (Exception e) when (IsReported(e))
        {
            omissions.Add(new Omission(workload.Name, label, e.Message, true));
            return null;
        }
    }
}
