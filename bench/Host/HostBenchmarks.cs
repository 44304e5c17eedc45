using BenchmarkDotNet.Attributes;

namespace AttnKernels.Bench.Host;

/// <summary>Tiny problems on the CPU device, where the host's part is what takes the time.</summary>
[HideColumns("Job", "Toolchain", "IterationCount", "LaunchCount", "WarmupCount")]
public class HostBenchmarks
{
    /// <summary>Methods whose name begins so must not allocate.</summary>
    public const string RunPrefix = "Run";

    private const int Size = 8;
    private readonly AttentionProblem attentionProblem = new() { Batch = 1, HeadsQ = 1, SeqQ = 1, SeqKv = Size, HeadDim = Size };
    private readonly MatmulProblem matmulProblem = new() { M = Size, N = Size, K = Size };
    private readonly SoftmaxProblem softmaxProblem = new() { Rows = 1, Columns = Size };
    private AttentionDevice device = null!;
    private AttentionPlan attention = null!;
    private MatmulPlan matmul = null!;
    private SoftmaxPlan softmax = null!;
    private DeviceTensor row = null!;
    private DeviceTensor square = null!;
    private DeviceTensor rowResult = null!;
    private DeviceTensor squareResult = null!;

    /// <summary>Opens the device and plans.</summary>
    [GlobalSetup]
    public void Setup()
    {
        device = AttentionDevice.Open("cpu");
        attention = device.Plan(attentionProblem);
        matmul = device.Plan(matmulProblem);
        softmax = device.Plan(softmaxProblem);
        row = device.Allocate(DType.Float32, 1, 1, 1, Size);
        rowResult = device.Allocate(DType.Float32, 1, 1, 1, Size);
        square = device.Allocate(DType.Float32, 1, 1, Size, Size);
        squareResult = device.Allocate(DType.Float32, 1, 1, Size, Size);
    }

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        IDisposable[] resources = [attention, matmul, softmax, row, rowResult, square, squareResult];
        foreach (IDisposable resource in resources) resource.Dispose();
        device.Dispose();
    }

    /// <summary>A plan whose kernels are compiled already.</summary>
    [Benchmark]
    public void PlanAttention() => device.Plan(attentionProblem).Dispose();

    /// <summary>A plan whose kernels are compiled already.</summary>
    [Benchmark]
    public void PlanMatmul() => device.Plan(matmulProblem).Dispose();

    /// <summary>One query over eight keys of size eight.</summary>
    [Benchmark]
    public void RunAttention() => attention.Run(new AttentionTensors { Q = row, K = square, V = square, O = rowResult });

    /// <summary>8 x 8 x 8.</summary>
    [Benchmark]
    public void RunMatmul() => matmul.Run(new MatmulTensors { A = square, B = square, C = squareResult });

    /// <summary>One row of eight.</summary>
    [Benchmark]
    public void RunSoftmax() => softmax.Run(new SoftmaxTensors { X = row, Y = rowResult });

    /// <summary>A tensor of 256 bytes.</summary>
    [Benchmark]
    public void AllocateTensor() => device.Allocate(DType.Float32, Size, Size).Dispose();
}
