using System.Diagnostics;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;

namespace AttnKernels.Bench.Measure;

/// <summary>An implementation with a workload prepared, checked and warm, and the samples of its turns.</summary>
internal sealed class Contestant : IDisposable
{
    /// <summary>A sample shorter than this repeats the run, or the clock and the call would be measured.</summary>
    private const double ShortestSampleMs = 0.2;
    private const int MostSamples = 12;
    private const double WarmUpMs = 250;

    /// <summary>A run that takes longer is not sped up by being repeated: no more warm-up, no dropped run, fewer rounds.</summary>
    private const double LongRunMs = 150;
    private readonly Prepared[] copies;
    private readonly Checker checker;
    private readonly List<double> samples = [];
    private double typicalMs;
    private int next;
    private int kept;

    private Contestant(string name, Candidate candidate, Prepared[] copies, Checker checker) =>
        (Name, Candidate, this.copies, this.checker) = (name, candidate, copies, checker);

    public string Name { get; }

    public Candidate Candidate { get; }

    public string Label => Candidate.Label(Name);

    /// <summary>Which kernels run; empty where nobody says.</summary>
    public string Explanation => copies[0].Explanation;

    /// <summary>The worst error over bound of the checks so far.</summary>
    public double ErrorOverBound { get; private set; }

    /// <summary>Milliseconds of a run, as far as known.</summary>
    public double TypicalMs => typicalMs;

    /// <summary>Whether a run takes so long that caches and wake-ups do not matter.</summary>
    public bool IsLong => typicalMs > LongRunMs;

    public Statistics Times => Statistics.Of(samples);

    /// <summary>Prepares every copy of the inputs, runs the first, compares its result with the reference, and warms up.</summary>
    /// <exception cref="WrongResultException">It is outside its bounds.</exception>
    public static Contestant Enter(string name, Candidate candidate, IReadOnlyList<WorkloadInput> inputs, Checker checker)
    {
        var copies = new List<Prepared>();
        try
        {
            foreach (WorkloadInput input in inputs) copies.Add(candidate.Prepare(input));
            var contestant = new Contestant(name, candidate, [.. copies], checker);
            contestant.typicalMs = copies[0].Time(1);
            contestant.Check();
            contestant.WarmUp();
            return contestant;
        }
        catch
        {
            foreach (Prepared copy in copies) copy.Dispose();
            throw;
        }
    }

    /// <summary>Runs for a while and at least twice: code is compiled and optimised, pages and caches are touched.</summary>
    private void WarmUp()
    {
        long start = Stopwatch.GetTimestamp();
        var times = new List<double>();
        do
        {
            times.Add(Next().Time(1));
        }
        while (times.Count < 2 && times[0] < LongRunMs || Stopwatch.GetElapsedTime(start).TotalMilliseconds < WarmUpMs);
        typicalMs = times.Min();
    }

    /// <summary>One turn: a sample that is dropped, since the first run after a pause finds cold caches, then timed ones.</summary>
    public void Visit(double milliseconds)
    {
        int calls = Math.Max(1, (int)Math.Ceiling(ShortestSampleMs / typicalMs));
        int count = Math.Clamp((int)(milliseconds / (typicalMs * calls)), 1, MostSamples);
        Prepared first = Next();
        if (first.PinsCaller) Affinity.Pin(0);
        if (!IsLong) first.Time(1);
        for (int i = 0; i < count; i++) samples.Add(Next().Time(calls));
        if (first.PinsCaller) Affinity.Unpin();
    }

    /// <summary>Keeps the samples of the turns so far.</summary>
    public void Keep() => kept = samples.Count;

    /// <summary>Takes back those since the last <see cref="Keep"/>.</summary>
    public void TakeBack() => samples.RemoveRange(kept, samples.Count - kept);

    /// <summary>Compares the first copy's last output with the reference.</summary>
    /// <exception cref="WrongResultException">It is outside its bounds.</exception>
    public void Check()
    {
        Verification.Comparison comparison = checker.Check(copies[0].Output());
        ErrorOverBound = Math.Max(ErrorOverBound, comparison.Worst);
        if (!comparison.Passed) throw new WrongResultException($"wrong result: {comparison}");
    }

    public void Dispose()
    {
        foreach (Prepared copy in copies) copy.Dispose();
    }

    private Prepared Next() => copies[next++ % copies.Length];
}
