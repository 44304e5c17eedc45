namespace AttnKernels.Tests.Host;

public sealed unsafe class ForeignMemoryTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu");

    public void Dispose() => device.Dispose();

    [Fact]
    public void A_run_writes_into_an_array_of_the_callers()
    {
        float[] result = new float[6];
        using DeviceTensor a = device.Wrap<float>(new float[] { 1, 2, 3, 4 }, 2, 2);
        using DeviceTensor c = device.Wrap(result.AsMemory(1, 4), 2, 2);
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 2, N = 2, K = 2 });
        plan.Run(new MatmulTensors { A = a, B = a, C = c });
        result.Should().Equal(0, 7, 10, 15, 22, 0);
        c.AsSpan<float>()[0].Should().Be(7);
    }

    // One byte past alignment, for every storage type, against aligned memory.
    [Theory, InlineData(DType.Float32), InlineData(DType.Float16), InlineData(DType.BFloat16)]
    public void Memory_need_not_be_aligned(DType type)
    {
        const int Seq = 37;
        const int Dim = 33;
        AttentionProblem problem = new()
        { Batch = 1, HeadsQ = 2, SeqQ = Seq, SeqKv = Seq, HeadDim = Dim, Causal = CausalMask.TopLeft, Type = type };
        using AttentionPlan plan = device.Plan(problem);
        using DeviceTensor q = device.UploadAs(type, HostDevices.Random(2 * Seq * Dim, 1), 1, 2, Seq, Dim);
        using DeviceTensor expected = device.Allocate(type, 1, 2, Seq, Dim);
        plan.Run(new AttentionTensors { Q = q, K = q, V = q, O = expected });

        int bytes = checked((int)q.Bytes);
        byte[] memory = GC.AllocateArray<byte>((2 * bytes) + 8, pinned: true);
        fixed (byte* start = memory)
        {
            new ReadOnlySpan<byte>((void*)q.View.Buffer!.Address, bytes).CopyTo(memory.AsSpan(1));
            using DeviceTensor odd = device.Wrap((nint)start + 1, type, [1, 2, Seq, Dim]);
            using DeviceTensor o = device.Wrap((nint)start + bytes + 3, type, [1, 2, Seq, Dim]);
            plan.Run(new AttentionTensors { Q = odd, K = odd, V = odd, O = o });
            o.ToFloats().Should().Equal(expected.ToFloats());
        }
        memory[^1].Should().Be(0);
        memory[bytes + 1].Should().Be(0);
    }

    [Fact]
    public void Strides_of_the_callers_are_taken()
    {
        float[] rows = [1, 2, 99, 3, 4, 99];
        fixed (float* start = rows)
        {
            using DeviceTensor a = device.Wrap((nint)start, DType.Float32, [2, 2], [3, 1]);
            using DeviceTensor c = device.Allocate(DType.Float32, 2, 2);
            using MatmulPlan plan = device.Plan(new MatmulProblem { M = 2, N = 2, K = 2 });
            plan.Run(new MatmulTensors { A = a, B = a, C = c });
            c.ToArray<float>().Should().Equal(7, 10, 15, 22);
            FluentActions.Invoking(() => a.ToArray<float>()).Should().Throw<NotSupportedException>().WithMessage("*strides (3, 1)*");
        }
    }

    [Fact]
    public void Two_tensors_over_one_array_overlap()
    {
        float[] memory = new float[8];
        using DeviceTensor a = device.Wrap(memory.AsMemory(0, 4), 2, 2);
        using DeviceTensor c = device.Wrap(memory.AsMemory(3, 4), 2, 2);
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 2, N = 2, K = 2 });
        FluentActions.Invoking(() => plan.Run(new MatmulTensors { A = a, B = a, C = c }))
            .Should().Throw<ArgumentException>().WithMessage("C *overlaps A *");
    }

    [Fact]
    public void Impossible_memory_is_refused()
    {
        float[] four = new float[4];
        FluentActions.Invoking(() => device.Wrap<float>(four, 5)).Should().Throw<ArgumentException>().WithMessage("*4 elements*(5)*");
        FluentActions.Invoking(() => device.Wrap<float>(Memory<float>.Empty, 0))
            .Should().Throw<ArgumentException>().WithMessage("*at least 1*(0)*");
        FluentActions.Invoking(() => device.Wrap(0, DType.Float32, [1])).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => device.Wrap(64, DType.Float32, [1, 2], [1]))
            .Should().Throw<ArgumentException>().WithMessage("*1 strides*(1, 2)*");
        FluentActions.Invoking(() => device.Wrap(64, DType.Float32, [2], [-1]))
            .Should().Throw<ArgumentException>().WithMessage("*negative*(-1)*");
        FluentActions.Invoking(() => device.Wrap(64, DType.Float32, [2, 2], [1L << 62, 1]))
            .Should().Throw<ArgumentException>().WithMessage("*address space*");
        FluentActions.Invoking(() => device.Wrap(64, DType.Float32, [int.MaxValue, int.MaxValue, 3]))
            .Should().Throw<ArgumentException>().WithMessage("*2^63*");
    }

    [Fact]
    public void Pinned_memory_is_let_go_on_dispose()
    {
        PinCounter memory = new(4);
        DeviceTensor tensor = device.Wrap(memory.Memory, 4);
        memory.Pins.Should().Be(1);
        tensor.Dispose();
        memory.Pins.Should().Be(0);
    }
}
