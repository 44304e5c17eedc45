using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// What the first call costs: a new process opens the device, plans and runs once. Compiling the kernels is in it, uploading is not.
/// </summary>
/// <param name="WholeMs">Device, plan and run.</param>
/// <param name="RunMs">The run alone.</param>
/// <param name="Methods">Methods that the runtime compiled on the calling thread during the run.</param>
internal sealed record FirstCall(double WholeMs, double RunMs, long Methods)
{
    private const int Processes = 3;

    /// <summary>The workload that is called.</summary>
    public static Workload Workload { get; } = WorkloadTable.All.First(w => w.Name == WorkloadTable.SweepName(512, causal: false));

    /// <summary>In the new process: prints the three numbers.</summary>
    public static void RunHere(string device, int threads)
    {
        AttentionProblem p = ((AttentionWorkload)Workload).Problem;
        var input = (AttentionInput)Workload.CreateInput(1);
        long start = Stopwatch.GetTimestamp();
        using AttentionDevice opened = AttentionDevice.Open(device, new DeviceOptions { Threads = threads });
        TimeSpan opening = Stopwatch.GetElapsedTime(start);
        using DeviceTensor q = opened.Upload(input.Q.Values, input.Q.Shape), k = opened.Upload(input.K.Values, input.K.Shape);
        using DeviceTensor v = opened.Upload(input.V.Values, input.V.Shape), o = opened.Allocate(p.Type, input.Q.Shape);
        start = Stopwatch.GetTimestamp();
        using AttentionPlan plan = opened.Plan(p);
        long methods = JitInfo.GetCompiledMethodCount(currentThread: true);
        long startOfRun = Stopwatch.GetTimestamp();
        plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = o });
        opened.Synchronize();
        TimeSpan run = Stopwatch.GetElapsedTime(startOfRun), whole = opening + Stopwatch.GetElapsedTime(start);
        methods = JitInfo.GetCompiledMethodCount(currentThread: true) - methods;
        Console.WriteLine(FormattableString.Invariant($"{whole.TotalMilliseconds} {run.TotalMilliseconds} {methods}"));
    }

    /// <summary>Starts the processes, one after the other.</summary>
    public static IReadOnlyList<FirstCall> Measure(string device, int threads) =>
        [.. Enumerable.Range(0, Processes).Select(_ => InNewProcess(device, threads))];

    /// <summary>Starts one process.</summary>
    public static FirstCall InNewProcess(string device, int threads)
    {
        bool isHosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "AttnKernels.Bench";
        var start = new ProcessStartInfo(isHosted ? "dotnet" : Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (isHosted) start.ArgumentList.Add(typeof(FirstCall).Assembly.Location);
        string[] arguments = ["--first-call", "--device", device, "--threads", threads.ToString(CultureInfo.InvariantCulture)];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"the process of the first call ended with {process.ExitCode}");
        string[] numbers = output.Split(' ');
        return new FirstCall(
            double.Parse(numbers[0], CultureInfo.InvariantCulture), double.Parse(numbers[1], CultureInfo.InvariantCulture),
            long.Parse(numbers[2], CultureInfo.InvariantCulture));
    }
}
