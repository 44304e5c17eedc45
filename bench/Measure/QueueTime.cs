using System.Diagnostics;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// What a plan's Run costs the calling thread, where it only queues: in batches that no queue refuses, waited for in between.
/// </summary>
internal static class QueueTime
{
    private const int Runs = 200;
    private const int Batches = 25;

    /// <summary>Prints the medians of a decoding step and of a small product.</summary>
    public static void RunHere(string device, int threads)
    {
        using AttentionDevice opened = AttentionDevice.Open(device, new DeviceOptions { Threads = threads });
        AttentionProblem decode = new() { Batch = 1, HeadsQ = 32, HeadsKv = 8, SeqQ = 1, SeqKv = 128, HeadDim = 128 };
        using (AttentionPlan plan = opened.Plan(decode))
        {
            using DeviceTensor q = opened.Allocate(DType.Float32, 1, 32, 1, 128), k = opened.Allocate(DType.Float32, 1, 8, 128, 128);
            using DeviceTensor o = opened.Allocate(DType.Float32, 1, 32, 1, 128);
            Print("attention", opened, () => plan.Run(new AttentionTensors { Q = q, K = k, V = k, O = o }));
        }
        using (MatmulPlan plan = opened.Plan(new MatmulProblem { M = 64, N = 64, K = 64 }))
        {
            using DeviceTensor a = opened.Allocate(DType.Float32, 1, 64, 64), c = opened.Allocate(DType.Float32, 1, 64, 64);
            Print("matmul", opened, () => plan.Run(new MatmulTensors { A = a, B = a, C = c }));
        }
    }

    private static void Print(string name, AttentionDevice device, Action run)
    {
        double[] microseconds = new double[Batches];
        long bytes = 0;
        for (int batch = 0; batch < Batches; batch++)
        {
            bytes = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            for (int n = 0; n < Runs; n++) run();
            microseconds[batch] = Stopwatch.GetElapsedTime(start).TotalMicroseconds / Runs;
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            device.Synchronize();
            Thread.Sleep(5); // the runtime replaces first versions of methods in between
        }
        Statistics times = Statistics.Of(microseconds);
        Console.WriteLine(FormattableString.Invariant(
            $"{name}: {times.Median:0.0} us a Run ({times.P20:0.0} .. {times.P80:0.0}), {bytes / Runs} bytes allocated"));
    }
}
