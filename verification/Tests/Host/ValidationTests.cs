namespace AttnKernels.Tests.Host;

/// <summary>Every wrong tensor gets a message that names the argument, and nothing is written.</summary>
public sealed class ValidationTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu");
    private readonly AttentionPlan plan;
    private readonly AttentionTensors valid;

    public ValidationTests()
    {
        plan = device.Plan(new AttentionProblem
        {
            Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 5, SeqKv = 9, HeadDim = 8, HeadDimV = 6, Lse = true,
            KeyLengths = true, Mask = true, Bias = true,
            Alibi = true, Causal = CausalMask.BottomRight,
        });
        valid = new AttentionTensors
        {
            Q = device.Allocate(DType.Float32, 2, 4, 5, 8),
            K = device.Allocate(DType.Float32, 2, 2, 9, 8),
            V = device.Allocate(DType.Float32, 2, 2, 9, 6),
            O = device.Upload(Enumerable.Repeat(7f, 2 * 4 * 5 * 6).ToArray(), 2, 4, 5, 6),
            Lse = device.Upload(Enumerable.Repeat(7f, 2 * 4 * 5).ToArray(), 2, 4, 5),
            Mask = device.Allocate(DType.Bool, 5, 9),
            Bias = device.Allocate(DType.Float32, 2, 1, 1, 9),
            KeyLengths = device.Upload([9, 0], 2),
            AlibiSlopes = device.Allocate(DType.Float32, 4),
        };
    }

    public void Dispose()
    {
        plan.Dispose();
        device.Dispose();
    }

    [Fact]
    public void The_right_tensors_pass()
    {
        plan.Run(valid);
        Floats(valid.O).Should().NotContain(7);
    }

    [Fact]
    public void A_wrong_shape_prints_both() =>
        Refuse<ArgumentException>(
            valid with { Q = device.Allocate(DType.Float32, 2, 5, 4, 8) },
            "Q: expected shape (2, 4, 5, 8), got Float32 (2, 5, 4, 8)*", "Q");

    [Fact]
    public void A_wrong_rank_prints_both() =>
        Refuse<ArgumentException>(
            valid with { V = device.Allocate(DType.Float32, 2, 9, 12) },
            "V: expected shape (2, 2, 9, 6), got Float32 (2, 9, 12)*", "V");

    [Fact]
    public void A_wrong_type_prints_both() =>
        Refuse<ArgumentException>(
            valid with { K = device.Allocate(DType.Float16, 2, 2, 9, 8) },
            "K: expected type Float32, got Float16*", "K");

    [Fact]
    public void A_wrong_stride_is_printed()
    {
        TensorView q = device.Allocate(DType.Float32, 2, 4, 8, 5);
        Refuse<ArgumentException>(
            valid with { Q = q.Transpose(2, 3) },
            "Q: the last axis must be contiguous*(2, 4, 5, 8) strides (160, 40, 1, 5)*", "Q");
        TensorView lse = device.Allocate(DType.Float32, 2, 5, 4);
        Refuse<ArgumentException>(valid with { Lse = lse.Transpose(1, 2) }, "Lse: must be dense; got*strides (20, 1, 4)*", "Lse");
    }

    [Fact]
    public void A_tensor_of_another_device_is_refused()
    {
        using AttentionDevice other = AttentionDevice.Open("cpu");
        Refuse<ArgumentException>(
            valid with { K = other.Allocate(DType.Float32, 2, 2, 9, 8) },
            "K: the tensor is on another device (cpu)*opened separately*", "K");
    }

    [Fact]
    public void A_missing_tensor_is_named() =>
        Refuse<ArgumentException>(valid with { Mask = default }, "Mask: the problem needs it*expected Bool (2, 4, 5, 9)*", "Mask");

    [Fact]
    public void A_tensor_that_would_be_ignored_is_refused() =>
        Refuse<ArgumentException>(
            valid with { Weights = device.Allocate(DType.Float32, 2, 4, 5, 9) },
            "Weights: *Weights = false*", "Weights");

    [Fact]
    public void A_mask_that_does_not_broadcast_prints_both() =>
        Refuse<ArgumentException>(
            valid with { Bias = device.Allocate(DType.Float32, 2, 2, 5, 9) },
            "Bias: expected shape (2, 4, 5, 9) with each axis full or 1, got Float32 (2, 2, 5, 9)*", "Bias");

    [Fact]
    public void Key_lengths_out_of_range_are_refused()
    {
        Refuse<ArgumentOutOfRangeException>(
            valid with { KeyLengths = device.Upload([9, 10], 2) },
            "KeyLengths[1] = 10 is not in 0..9*", "KeyLengths");
        Refuse<ArgumentOutOfRangeException>(
            valid with { KeyLengths = device.Upload([-1, 9], 2) },
            "KeyLengths[0] = -1 is not in 0..9*", "KeyLengths");
    }

    [Fact]
    public void A_disposed_tensor_is_named()
    {
        DeviceTensor v = device.Allocate(DType.Float32, 2, 2, 9, 6);
        v.Dispose();
        Refuse<ObjectDisposedException>(valid with { V = v }, "V: the tensor has been disposed*");
    }

    [Fact]
    public void An_output_over_an_input_is_refused()
    {
        DeviceTensor both = device.Allocate(DType.Float32, 2, 4, 5, 14);
        AttentionTensors tensors = valid with { Q = both.View.Slice(3, 0, 8), O = both.View.Slice(3, 7, 6) };
        Refuse<ArgumentException>(tensors, "O (*) overlaps Q (*)*", "O");
        plan.Run(tensors with { O = both.View.Slice(3, 8, 6) });
    }

    [Fact]
    public void An_output_whose_elements_share_memory_is_refused() =>
        Refuse<ArgumentException>(
            valid with { O = device.Allocate(DType.Float32, 2, 1, 5, 6).View.BroadcastTo(2, 4, 5, 6) },
            "O: an output whose elements share memory*strides (30, 0, 6, 1)*", "O");

    [Fact]
    public void Disposed_plans_streams_and_devices_are_refused()
    {
        DeviceStream stream = device.CreateStream();
        stream.Dispose();
        FluentActions.Invoking(() => plan.Run(valid, stream)).Should().Throw<ObjectDisposedException>();
        using AttentionDevice other = AttentionDevice.Open("cpu");
        FluentActions.Invoking(() => plan.Run(valid, other.DefaultStream))
            .Should().Throw<ArgumentException>().WithMessage("*stream is of another device (cpu)*");
        plan.Dispose();
        FluentActions.Invoking(() => plan.Run(valid)).Should().Throw<ObjectDisposedException>();
        device.Dispose();
        FluentActions.Invoking(() => device.Allocate(DType.Float32, 1)).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(() => device.Plan(new MatmulProblem { M = 1, N = 1, K = 1 })).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void A_cancelled_run_writes_nothing()
    {
        FluentActions.Invoking(() => plan.Run(valid, null, new CancellationToken(canceled: true)))
            .Should().Throw<OperationCanceledException>();
        Floats(valid.O).Should().OnlyContain(x => x == 7);
    }

    [Fact]
    public void Softmax_in_place_needs_the_very_same_view()
    {
        using SoftmaxPlan softmax = device.Plan(new SoftmaxProblem { Rows = 2, Columns = 3 });
        DeviceTensor x = device.Allocate(DType.Float32, 3, 3);
        softmax.Run(new SoftmaxTensors { X = x.View.Slice(0, 0, 2), Y = x.View.Slice(0, 0, 2) });
        x.ToArray<float>()[0].Should().BeApproximately(1f / 3, 1e-6f);
        FluentActions.Invoking(() => softmax.Run(new SoftmaxTensors { X = x.View.Slice(0, 0, 2), Y = x.View.Slice(0, 1, 2) }))
            .Should().Throw<ArgumentException>().WithMessage("Y *overlaps X *");
    }

    [Fact]
    public void Matmul_shapes_follow_the_transposition()
    {
        using MatmulPlan matmul = device.Plan(new MatmulProblem { M = 2, N = 3, K = 4, TransposeB = true });
        MatmulTensors tensors = new()
        {
            A = device.Allocate(DType.Float32, 2, 4), B = device.Allocate(DType.Float32, 4, 3), C = device.Allocate(DType.Float32, 2, 3),
        };
        FluentActions.Invoking(() => matmul.Run(tensors))
            .Should().Throw<ArgumentException>().WithMessage("B: expected shape (1, 1, 3, 4), got Float32 (4, 3)*");
        matmul.Run(tensors with { B = tensors.B.Transpose(0, 1) });
    }

    private void Refuse<T>(AttentionTensors tensors, string message, string? parameter = null) where T : Exception
    {
        T error = FluentActions.Invoking(() => plan.Run(tensors)).Should().Throw<T>().WithMessage(message).Which;
        if (parameter is not null) error.Should().BeAssignableTo<ArgumentException>().Which.ParamName.Should().Be(parameter);
        Floats(valid.O).Should().OnlyContain(x => x == 7, "nothing is written before validation has passed");
        Floats(valid.Lse).Should().OnlyContain(x => x == 7);
    }

    private static unsafe float[] Floats(TensorView view) => new Span<float>((void*)view.Buffer!.Address, (int)view.Count).ToArray();
}
