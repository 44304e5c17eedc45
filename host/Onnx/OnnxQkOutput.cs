using AttnKernels.Kernels;

namespace AttnKernels.Onnx;

/// <summary>
/// qk_matmul_output: scale * Q K^T (mode 0), after the softcap (1), after mask and bias (2), after the softmax (3). Everything is
/// computed in fp32 and rounded to the node's type at the end.
/// </summary>
internal sealed class OnnxQkOutput : IDisposable
{
    private const int ProductMode = 0, CappedMode = 1, MaskedMode = 2, WeightsMode = 3;

    private readonly AttentionDevice device;
    private readonly OnnxAttentionSizes sizes;
    private readonly MatmulPlan product;
    private readonly SoftmaxPlan? form;
    private readonly SoftmaxPlan? beyondMask;
    private readonly StreamWorkspace? scores;

    public OnnxQkOutput(AttentionDevice device, OnnxAttentionSizes sizes, OnnxAttentionAttributes attributes, OnnxAttentionShapes shapes)
    {
        int mode = attributes.QkMatmulOutputMode;
        if (mode is < ProductMode or > WeightsMode)
            throw new ArgumentException($"qk_matmul_output_mode must be 0, 1, 2 or 3, is {mode}.");
        (this.device, this.sizes) = (device, sizes);
        AttentionProblem p = sizes.Problem(attributes, shapes);
        bool isProduct = mode == ProductMode || (mode == CappedMode && p.Softcap == 0);
        product = device.Plan(new MatmulProblem
        {
            Batch0 = p.Batch,
            Batch1 = p.HeadsQ,
            GroupB = p.HeadsQ / p.HeadsKv,
            M = p.SeqQ,
            N = sizes.SeqKv,
            K = p.HeadDim,
            Type = p.Type,
            TypeC = isProduct ? p.Type : DType.Float32,
            Alpha = p.EffectiveScale,
        });
        if (isProduct) return;
        if (p.Type != DType.Float32)
            scores = new StreamWorkspace(device.Backend, (long)p.Batch * p.HeadsQ * p.SeqQ * sizes.SeqKv * sizeof(float));

        SoftmaxProblem capped = new()
        {
            Batch = p.Batch,
            Heads = p.HeadsQ,
            Rows = p.SeqQ,
            Columns = sizes.SeqKv,
            OutputType = p.Type,
            Softcap = p.Softcap,
            Scores = mode != WeightsMode,
        };
        form = device.Plan(mode == CappedMode ? capped : new SoftmaxProblem(p)
        {
            Batch = p.Batch,
            Heads = p.HeadsQ,
            Rows = p.SeqQ,
            Columns = sizes.VisibleKeys,
            OutputType = p.Type,
            Scores = capped.Scores,
        });
        // A mask shorter than the keys hides the rest, whatever their scores are: a diagonal that no row reaches.
        if (mode != CappedMode && sizes.VisibleKeys < sizes.SeqKv)
            beyondMask = device.Plan(capped with { Columns = sizes.SeqKv - sizes.VisibleKeys, Causal = CausalMask.At(-p.SeqQ) });
    }

    public long WorkspaceBytes =>
        product.WorkspaceBytes + (scores?.Bytes ?? 0) + (form?.WorkspaceBytes ?? 0) + (beyondMask?.WorkspaceBytes ?? 0);

    /// <summary>Throws what <see cref="Run"/> would.</summary>
    public void Verify(in AttentionTensors t, in TensorView allK, in TensorView output, DeviceStream? stream)
    {
        TensorView s = Scores(output, stream);
        product.Verify(Product(t, allK, s));
        form?.Verify(Form(t, s, output));
        beyondMask?.Verify(BeyondMask(s, output));
    }

    public void Run(in AttentionTensors t, in TensorView allK, in TensorView output, DeviceStream? stream, CancellationToken cancel)
    {
        TensorView s = Scores(output, stream);
        product.Run(Product(t, allK, s), stream, cancel);
        form?.Run(Form(t, s, output), stream, cancel);
        beyondMask?.Run(BeyondMask(s, output), stream, cancel);
    }

    public void Dispose()
    {
        product.Dispose();
        form?.Dispose();
        beyondMask?.Dispose();
        scores?.Dispose();
    }

    /// <summary>Where the product goes: the output itself, or a workspace in fp32.</summary>
    private TensorView Scores(in TensorView output, DeviceStream? stream)
    {
        if (scores is null) return output;
        (long row, long head) = (sizes.SeqKv, (long)sizes.SeqQ * sizes.SeqKv);
        return new TensorView(
            scores.For(device.Use(stream)), DType.Float32, 0, [sizes.Batch, sizes.HeadsQ, sizes.SeqQ, sizes.SeqKv],
            [sizes.HeadsQ * head, head, row, 1]);
    }

    private static MatmulTensors Product(in AttentionTensors t, in TensorView allK, in TensorView s) =>
        new() { A = t.Q, B = allK.Transpose(2, 3), C = s };

    private SoftmaxTensors Form(in AttentionTensors t, in TensorView s, in TensorView output)
    {
        SoftmaxProblem p = form!.Problem;
        return new()
        {
            X = s.Slice(3, 0, p.Columns),
            Y = output.Slice(3, 0, p.Columns),
            Mask = p.Mask ? t.Mask : default,
            Bias = p.Bias ? t.Bias : default,
            KeyLengths = p.KeyLengths ? t.KeyLengths : default,
        };
    }

    private SoftmaxTensors BeyondMask(in TensorView s, in TensorView output)
    {
        int first = sizes.VisibleKeys, count = sizes.SeqKv - first;
        return new() { X = s.Slice(3, first, count), Y = output.Slice(3, first, count) };
    }
}
