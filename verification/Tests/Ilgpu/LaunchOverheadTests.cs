using System.Diagnostics;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>What a plan's Run costs the host on CUDA, from its checks to the call of the driver, which is not in it.</summary>
public sealed class LaunchOverheadTests
{
    private const int Runs = 2000;

    /// <summary>For the best of 20 batches. An idle core stays below 10; a test machine shares its cores with other work.</summary>
    private const double MostMicroseconds = 25;

    [Fact]
    public void AttentionIsQueuedWithinMicroseconds()
    {
        AttentionProblem problem = new()
        {
            Batch = 1, HeadsQ = 32, HeadsKv = 8, SeqQ = 1, SeqKv = 128, HeadDim = 128, Lse = true, KeyLengths = true,
        };
        using AttentionDevice device = Open();
        using AttentionPlan plan = device.Plan(problem);
        using DeviceTensor q = device.Allocate(DType.Float32, 1, 32, 1, 128), k = device.Allocate(DType.Float32, 1, 8, 128, 128);
        using DeviceTensor lse = device.Allocate(DType.Float32, 1, 32, 1), lengths = device.Allocate(DType.Int32, 1);
        using DeviceTensor o = device.Allocate(DType.Float32, 1, 32, 1, 128);
        Check("attention", () => plan.Run(new AttentionTensors { Q = q, K = k, V = k, O = o, Lse = lse, KeyLengths = lengths }));
    }

    [Fact]
    public void MatmulIsQueuedWithinMicroseconds()
    {
        using AttentionDevice device = Open();
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 64, N = 64, K = 64 });
        using DeviceTensor a = device.Allocate(DType.Float32, 1, 64, 64), c = device.Allocate(DType.Float32, 1, 64, 64);
        Check("matmul", () => plan.Run(new MatmulTensors { A = a, B = a, C = c }));
    }

    private static AttentionDevice Open() => new(new FakeCudaDevice(new FakeDriver { IsQuiet = true }));

    private static void Check(string name, Action run)
    {
        List<double> microseconds = new(20);
        run();
        for (int batch = 0; batch < 20; batch++)
        {
            long bytes = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Runs; i++) run();
            microseconds.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / Runs);
            (GC.GetAllocatedBytesForCurrentThread() - bytes).Should()
                .BeLessThan(Runs, "not even a byte a Run; the runtime itself takes some");
            Thread.Sleep(5); // the runtime replaces first versions of methods in between
        }
        microseconds.Sort();
        TestContext.Current.SendDiagnosticMessage($"{name}: {microseconds[10]:0.00} us a Run, {microseconds[0]:0.00} at best");
        microseconds[0].Should().BeLessThan(MostMicroseconds);
    }
}
