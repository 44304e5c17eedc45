using System.Diagnostics;
using System.Globalization;
using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Measure;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Forms;

/// <summary>
/// Whether every form of attention takes time and memory in proportion to its keys, and packed batches in proportion to their tokens. What
/// is compared is timed in turns, in one process, after its results have been checked against the reference.
/// </summary>
internal static class FormsRun
{
    private const int Rounds = 7, SamplesInARound = 3, CheckedRows = 16;

    private static readonly int[] Keys = [4096, 8192, 16384];

    /// <summary>0; 1 if a result is wrong.</summary>
    public static int Run(BenchOptions options)
    {
        string name = options.Devices.Count > 0 ? options.Devices[0] : "cpu";
        using AttentionDevice device = AttentionDevice.Open(name, new DeviceOptions { Threads = options.Threads });
        try
        {
            Console.WriteLine($"{name}, {options.Threads} threads, medians of {Rounds * SamplesInARound} interleaved runs");
            foreach (bool causal in (bool[])[false, true]) Batches(device, causal);
            Growth(device);
            return 0;
        }
        catch (WrongResultException e)
        {
            Console.WriteLine($"FAILED: {e.Message}");
            return 1;
        }
    }

    private static void Batches(AttentionDevice device, bool causal)
    {
        (Form Form, long Pairs)[] batches = [.. FormTable.Batches(causal)];
        double[] times = Time(device, [.. batches.Select(b => Case(b.Form, 0))]);
        Console.WriteLine($"{"batch",-32} {"ms",8} {"packed/this",12} {"by pairs",9}");
        for (int n = 0; n < batches.Length; n++)
        {
            double byTime = times[0] / times[n], byPairs = (double)batches[0].Pairs / batches[n].Pairs;
            Line($"{batches[n].Form.Name,-32} {times[n],8:0.00} {byTime,12:0.000} {byPairs,9:0.000}");
        }
    }

    private static void Growth(AttentionDevice device)
    {
        Console.WriteLine($"{"form, ms (workspace bytes) at",-32} {string.Join(' ', Keys.Select(keys => $"{keys,16}"))}   per doubling");
        foreach (Form form in FormTable.OverKeys())
        {
            double[] times = Time(device, [.. Keys.Select(keys => Case(form, keys))]);
            IEnumerable<string> cells = Keys.Zip(times, (keys, ms) => string.Create(
                CultureInfo.InvariantCulture, $"{ms,8:0.00} ({Workspace(device, form.Problem(keys))})").PadLeft(16));
            Line($"{form.Name,-32} {string.Join(' ', cells)} {Math.Sqrt(times[^1] / times[0]),14:0.00}");
        }
    }

    private static void Line(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private static long Workspace(AttentionDevice device, AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.WorkspaceBytes;
    }

    private static AttentionCase Case(Form form, int keys) =>
        new(form.Problem(keys), form.Options(keys), $"{form.Name} {keys}", CaseSize.Normal) { SampledRows = CheckedRows };

    /// <summary>
    /// Median milliseconds of each case. A case lends its run only while it runs itself, so each runs within the one before.
    /// </summary>
    private static double[] Time(AttentionDevice device, AttentionCase[] cases)
    {
        List<Action> runs = [];
        double[] medians = new double[cases.Length];
        Next();
        return medians;

        void Next()
        {
            if (runs.Count == cases.Length)
            {
                Measure(runs, medians);
                return;
            }
            AttentionCase next = cases[runs.Count] with
            {
                WhenPassed = run =>
                {
                    runs.Add(run);
                    Next();
                },
            };
            CaseResult result = next.Run(device);
            if (result.Outcome != Outcome.Passed) throw new WrongResultException($"{result.Case.Title}: {result.Detail}");
        }
    }

    private static void Measure(List<Action> runs, double[] medians)
    {
        var samples = runs.ConvertAll(_ => new List<double>());
        for (int round = 0; round < Rounds; round++)
        {
            for (int n = 0; n < runs.Count; n++)
            {
                runs[n]();
                for (int sample = 0; sample < SamplesInARound; sample++)
                {
                    long start = Stopwatch.GetTimestamp();
                    runs[n]();
                    samples[n].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }
        for (int n = 0; n < runs.Count; n++) medians[n] = Statistics.Of(samples[n]).Median;
    }
}
