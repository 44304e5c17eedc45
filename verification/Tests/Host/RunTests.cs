namespace AttnKernels.Tests.Host;

/// <summary>What Run promises besides its numbers: no allocation, threads, cancellation.</summary>
public sealed class RunTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu", new DeviceOptions { Threads = 2 });

    public void Dispose() => device.Dispose();

    [Fact]
    public void Attention_allocates_nothing()
    {
        using AttentionPlan plan = device.Plan(new AttentionProblem
        {
            Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 33, SeqKv = 65, HeadDim = 16,
            Lse = true, Mask = true, Bias = true, KeyLengths = true, Alibi = true,
            Causal = CausalMask.BottomRight, WindowLeft = 20, Softcap = 5,
        });
        AttentionTensors tensors = new()
        {
            Q = device.Allocate(DType.Float32, 2, 4, 33, 16), K = device.Allocate(DType.Float32, 2, 2, 65, 16),
            V = device.Allocate(DType.Float32, 2, 2, 65, 16),
            O = device.Allocate(DType.Float32, 2, 4, 33, 16), Lse = device.Allocate(DType.Float32, 2, 4, 33),
            Mask = device.Allocate(DType.Bool, 33, 65),
            Bias = device.Allocate(DType.Float32, 33, 65), KeyLengths = device.Allocate(DType.Int32, 2),
            AlibiSlopes = device.Allocate(DType.Float32, 4),
        };
        Allocated(() => plan.Run(tensors)).Should().Be(0);
    }

    [Fact]
    public void Unfused_attention_allocates_nothing()
    {
        using AttentionPlan plan = device.Plan(new AttentionProblem
        { Batch = 1, HeadsQ = 2, SeqQ = 33, SeqKv = 65, HeadDim = 16, Weights = true });
        AttentionTensors tensors = new()
        {
            Q = device.Allocate(DType.Float32, 1, 2, 33, 16), K = device.Allocate(DType.Float32, 1, 2, 65, 16),
            V = device.Allocate(DType.Float32, 1, 2, 65, 16),
            O = device.Allocate(DType.Float32, 1, 2, 33, 16), Weights = device.Allocate(DType.Float32, 1, 2, 33, 65),
        };
        Allocated(() => plan.Run(tensors)).Should().Be(0);
    }

    [Fact]
    public void Softmax_and_matmul_allocate_nothing()
    {
        using SoftmaxPlan softmax = device.Plan(new SoftmaxProblem { Rows = 65, Columns = 129 });
        DeviceTensor x = device.Allocate(DType.Float32, 65, 129);
        Allocated(() => softmax.Run(new SoftmaxTensors { X = x, Y = x })).Should().Be(0);

        using MatmulPlan matmul = device.Plan(new MatmulProblem { M = 65, N = 65, K = 129, TransposeB = true });
        DeviceTensor c = device.Allocate(DType.Float32, 65, 65);
        Allocated(() => matmul.Run(new MatmulTensors { A = x, B = x, C = c })).Should().Be(0);

        using MatmulPlan parts = device.Plan(matmul.Problem with { Parts = 2 });
        Allocated(() => parts.Run(new MatmulTensors { A = x, B = x, C = c })).Should().Be(0);

        using MatmulPlan activated = device.Plan(matmul.Problem with { Bias = true, Activation = Activation.Gelu });
        DeviceTensor bias = device.Allocate(DType.Float32, 65);
        Allocated(() => activated.Run(new MatmulTensors { A = x, B = x, C = c, Bias = bias })).Should().Be(0);
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Launches_on_a_gpu_allocate_nothing(string name)
    {
        using AttentionDevice other = AttentionDevice.Open(name);
        Assert.SkipUnless(other.Info.Kind is DeviceKind.Cuda or DeviceKind.OpenCl, $"{name} is for debugging: its launches allocate");
        using AttentionPlan plan = other.Plan(new AttentionProblem
        { Batch = 1, HeadsQ = 2, SeqQ = 17, SeqKv = 33, HeadDim = 16, Weights = true });
        AttentionTensors tensors = new()
        {
            Q = other.Allocate(DType.Float32, 1, 2, 17, 16), K = other.Allocate(DType.Float32, 1, 2, 33, 16),
            V = other.Allocate(DType.Float32, 1, 2, 33, 16),
            O = other.Allocate(DType.Float32, 1, 2, 17, 16), Weights = other.Allocate(DType.Float32, 1, 2, 17, 33),
        };
        Allocated(() => plan.Run(tensors)).Should().Be(0);
        other.Synchronize();
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Threads_with_streams_of_their_own_share_a_plan(string name) => RunFromThreads(name, ownStreams: true);

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Threads_share_a_stream(string name) => RunFromThreads(name, ownStreams: false);

    [Fact]
    public async Task A_tensor_disposed_during_a_run_lives_until_it_ends()
    {
        const int N = 1024;
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = N, N = N, K = N });
        bool seen = false;
        for (int round = 0; round < 20 && !seen; round++)
        {
            PinCounter memory = new(N * N);
            memory.GetSpan().Fill(1);
            DeviceTensor a = device.Wrap(memory.Memory, N, N);
            using DeviceTensor c = device.Allocate(DType.Float32, N, N);
            Task run = Task.Run(() => plan.Run(new MatmulTensors { A = a, B = a, C = c }), TestContext.Current.CancellationToken);
            while (!run.IsCompleted && !c.AsSpan<float>().ContainsAnyExcept(0)) Thread.Yield();

            a.Dispose();
            bool pinned = memory.Pins == 1;
            bool running = !run.IsCompleted;
            if (running) pinned.Should().BeTrue("the run still reads it");
            seen |= running;

            await run;
            memory.Pins.Should().Be(0);
            c.AsSpan<float>().ContainsAnyExcept(N).Should().BeFalse();
            FluentActions.Invoking(() => plan.Run(new MatmulTensors { A = a, B = a, C = c })).Should().Throw<ObjectDisposedException>();
        }
        seen.Should().BeTrue("one of the runs must have been caught in progress");
    }

    [Fact]
    public void A_long_run_can_be_cancelled()
    {
        using AttentionPlan plan = device.Plan(new AttentionProblem { Batch = 1, HeadsQ = 16, SeqQ = 16384, SeqKv = 16384, HeadDim = 64 });
        TensorView q = device.Allocate(DType.Float32, 1, 16, 16384, 64);
        TensorView o = device.Allocate(DType.Float32, 1, 16, 16384, 64);
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(50));
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        FluentActions.Invoking(() => plan.Run(new AttentionTensors { Q = q, K = q, V = q, O = o }, null, source.Token))
            .Should().Throw<OperationCanceledException>();
        System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds
            .Should().BeLessThan(3, "the whole run takes about 10 s on two cores");
    }

    [Fact]
    public void Plans_explain_themselves()
    {
        using AttentionPlan fused = device.Plan(new AttentionProblem { Batch = 1, HeadsQ = 2, SeqQ = 3, SeqKv = 3, HeadDim = 4 });
        fused.Explain().Should().Contain("attention B1 H2 S3 D4").And.Contain("SimdAttention").And.Contain("2 threads");
        using AttentionPlan unfused = device.Plan(fused.Problem with { Weights = true });
        unfused.Explain().Should().Contain("unfused, because").And.Contain("SimdMatmul").And.Contain("SimdSoftmax");
    }

    private static long Allocated(Action run)
    {
        for (int i = 0; i < 3; i++) run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++) run();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    // Four threads, each with its own input; every result must be that of its own input.
    private static void RunFromThreads(string name, bool ownStreams)
    {
        using AttentionDevice device = AttentionDevice.Open(name, new DeviceOptions { Threads = 2 });
        using AttentionPlan plan = device.Plan(new AttentionProblem
        {
            Batch = 1, HeadsQ = 1, SeqQ = 4, SeqKv = 4, HeadDim = 4, Causal = CausalMask.TopLeft, Weights = true,
        });
        int rounds = device.Info.Kind is DeviceKind.Cpu or DeviceKind.Cuda ? 50 : 2;
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            using DeviceStream? own = ownStreams ? device.CreateStream() : null;
            DeviceStream stream = own ?? device.DefaultStream;
            using DeviceTensor q = device.Upload(HostDevices.Random(16, thread), 1, 1, 4, 4);
            using DeviceTensor v = device.Upload(Enumerable.Repeat((float)thread, 16).ToArray(), 1, 1, 4, 4);
            using DeviceTensor o = device.Allocate(DType.Float32, 1, 1, 4, 4);
            using DeviceTensor w = device.Allocate(DType.Float32, 1, 1, 4, 4);
            for (int round = 0; round < rounds; round++)
            {
                o.Fill(0xFF, stream);
                plan.Run(new AttentionTensors { Q = q, K = q, V = v, O = o, Weights = w }, stream);
                float[] result = new float[16];
                o.Download(result.AsSpan(), stream);
                foreach (float x in result) x.Should().BeApproximately(thread, 1e-5f);
            }
        });
    }
}
