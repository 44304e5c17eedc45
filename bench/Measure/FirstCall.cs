using System.Diagnostics;
using System.Globalization;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// What the first call costs: a new process opens the device, plans and runs once. Compiling the kernels is in it, uploading is not.
/// </summary>
internal static class FirstCall
{
    private const int Processes = 3;

    /// <summary>The workload that is called.</summary>
    public static Workload Workload { get; } = WorkloadTable.All.First(w => w.Name == WorkloadTable.SweepName(512, causal: false));

    /// <summary>In the new process: prints the milliseconds.</summary>
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
        plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = o });
        opened.Synchronize();
        Console.WriteLine((opening + Stopwatch.GetElapsedTime(start)).TotalMilliseconds.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Starts the processes, one after the other.</summary>
    public static Statistics Measure(string device, int threads)
    {
        var times = new List<double>();
        for (int i = 0; i < Processes; i++)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
                start.ArgumentList.Add(typeof(FirstCall).Assembly.Location);
            string[] arguments = ["--first-call", "--device", device, "--threads", threads.ToString(CultureInfo.InvariantCulture)];
            foreach (string argument in arguments) start.ArgumentList.Add(argument);
            using Process process = Process.Start(start)!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidOperationException($"the process of the first call ended with {process.ExitCode}");
            times.Add(double.Parse(output, CultureInfo.InvariantCulture));
        }
        return Statistics.Of(times);
    }
}
