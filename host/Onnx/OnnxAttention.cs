namespace AttnKernels.Onnx;

/// <summary>
/// ONNX Attention, opsets 23 to 25, prepared once for the shapes of a node and run any number of times without allocating. How the
/// operator's rules map:
/// <list type="bullet">
/// <item>rank 3 (batch, seq, heads * dim) is a view (batch, heads, seq, dim) of the same memory;</item>
/// <item>the past and the new rows are copied into present_key and present_value, from which attention reads;</item>
/// <item>is_causal and the window are aligned top-left without a cache, at the past length with one, bottom-right with nonpad_kv_seqlen,
/// which is the key lengths;</item>
/// <item>attn_mask: bool is the mask, anything else the bias; a mask shorter than the keys hides the rest;</item>
/// <item>the softmax is in fp32, whatever softmax_precision says.</item>
/// </list>
/// Specification: https://onnx.ai/onnx/operators/onnx__Attention.html. Threads and streams as for <see cref="AttentionPlan"/>.
/// </summary>
public sealed class OnnxAttention : IDisposable
{
    private const int MaskedMode = 2, WeightsMode = 3;

    private readonly OnnxAttentionShapes shapes;
    private readonly OnnxAttentionSizes sizes;
    private readonly AttentionPlan attention;
    private readonly MatmulPlan? product;
    private readonly SoftmaxPlan? scoreForm;
    private readonly OnnxPresent? presentKey;
    private readonly OnnxPresent? presentValue;

    private OnnxAttention(AttentionDevice device, OnnxAttentionAttributes attributes, OnnxAttentionShapes shapes)
    {
        this.shapes = shapes;
        sizes = OnnxAttentionSizes.Of(attributes, shapes);
        bool scores = shapes.QkMatmulOutput;
        if (scores) RequireBuilt(attributes);
        attention = device.Plan(sizes.Problem(attributes, shapes));
        if (scores && attributes.QkMatmulOutputMode != WeightsMode) product = device.Plan(sizes.Product(attributes, shapes));
        if (scores && sizes.ScoreForm(attributes, shapes) is { } form) scoreForm = device.Plan(form);
        if (!sizes.HasPresent) return;
        presentKey = new OnnxPresent(device, sizes, shapes, sizes.HeadDim);
        presentValue = new OnnxPresent(device, sizes, shapes, sizes.HeadDimV);
    }

    /// <summary>The attention that runs. Its keys are fewer than the node's where attn_mask is shorter.</summary>
    public AttentionProblem Problem => attention.Problem;

    /// <summary>Shape of Y.</summary>
    public IReadOnlyList<int> OutputShape => shapes.Q.Count == 4
        ? [sizes.Batch, sizes.HeadsQ, sizes.SeqQ, sizes.HeadDimV]
        : [sizes.Batch, sizes.SeqQ, sizes.HeadsQ * sizes.HeadDimV];

    /// <summary>Keys of the past and new ones: the third axis of present_key, the last of qk_matmul_output.</summary>
    public int TotalKeys => sizes.SeqKv;

    /// <summary>Device memory that it holds besides the tensors, in bytes for each stream it runs on.</summary>
    public long WorkspaceBytes => attention.WorkspaceBytes + (product?.WorkspaceBytes ?? 0) + (scoreForm?.WorkspaceBytes ?? 0);

    /// <summary>Checks the node and prepares its kernels.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="shapes">The node's inputs and outputs.</param>
    /// <exception cref="ArgumentException">The specification forbids these attributes or shapes.</exception>
    /// <exception cref="NotSupportedException">There is no kernel for it: a mask shorter than the keys together with nonpad_kv_seqlen or
    /// qk_matmul_output_mode 2 or 3.</exception>
    public static OnnxAttention Plan(AttentionDevice device, OnnxAttentionAttributes attributes, OnnxAttentionShapes shapes)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(attributes);
        ArgumentNullException.ThrowIfNull(shapes);
        return new OnnxAttention(device, attributes, shapes);
    }

    /// <summary>Checks the tensors and queues the node, as <see cref="AttentionPlan"/> does.</summary>
    /// <exception cref="ArgumentException">A tensor is missing, not expected, overlaps an output, or has the wrong shape, type, strides or
    /// device. Nothing has been written.</exception>
    public void Run(in OnnxAttentionTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        OnnxAttentionTensors t = tensors;
        TensorView k = Heads(nameof(t.K), t.K, sizes.HeadsKv, sizes.HeadDim);
        TensorView v = Heads(nameof(t.V), t.V, sizes.HeadsKv, sizes.HeadDimV);
        (TensorView allK, TensorView allV) = sizes.HasPresent ? (t.PresentKey, t.PresentValue) : (k, v);
        bool isProduct = product is not null;
        OnnxCheck.Optional(nameof(t.QkMatmulOutput), t.QkMatmulOutput, shapes.QkMatmulOutput,
            sizes.Batch, sizes.HeadsQ, sizes.SeqQ, sizes.SeqKv);
        OnnxCheck.Optional(nameof(t.PresentKey), t.PresentKey, sizes.HasPresent, sizes.Batch, sizes.HeadsKv, sizes.SeqKv, sizes.HeadDim);
        OnnxCheck.Optional(nameof(t.PresentValue), t.PresentValue, sizes.HasPresent,
            sizes.Batch, sizes.HeadsKv, sizes.SeqKv, sizes.HeadDimV);
        OnnxCheck.Optional(nameof(t.PastKey), t.PastKey, sizes.PastLength > 0, sizes.Batch, sizes.HeadsKv, sizes.PastLength, sizes.HeadDim);
        OnnxCheck.Optional(nameof(t.PastValue), t.PastValue, sizes.PastLength > 0,
            sizes.Batch, sizes.HeadsKv, sizes.PastLength, sizes.HeadDimV);
        bool isBool = shapes.MaskType == DType.Bool;
        AttentionTensors inner = new()
        {
            Q = Heads(nameof(t.Q), t.Q, sizes.HeadsQ, sizes.HeadDim),
            K = Visible(allK),
            V = Visible(allV),
            O = Heads(nameof(t.Y), t.Y, sizes.HeadsQ, sizes.HeadDimV),
            Weights = isProduct ? default : t.QkMatmulOutput,
            Mask = isBool ? t.Mask : default,
            Bias = isBool ? default : t.Mask,
            KeyLengths = t.NonpadKvSeqlen,
        };
        MatmulTensors scores = isProduct ? new() { A = inner.Q, B = allK.Transpose(2, 3), C = t.QkMatmulOutput } : default;

        TensorView qk = t.QkMatmulOutput;
        SoftmaxTensors formed = scoreForm is not { Problem: { } form } ? default : new()
        {
            X = qk,
            Y = qk,
            Mask = form.Mask ? inner.Mask : default,
            Bias = form.Bias ? inner.Bias : default,
            KeyLengths = form.KeyLengths ? inner.KeyLengths : default,
        };

        attention.Verify(inner);
        product?.Verify(scores);
        scoreForm?.Verify(formed);
        presentKey?.Verify(k, t.PastKey, t.PresentKey);
        presentValue?.Verify(v, t.PastValue, t.PresentValue);
        presentKey?.Run(k, t.PastKey, t.PresentKey, stream, cancel);
        presentValue?.Run(v, t.PastValue, t.PresentValue, stream, cancel);
        product?.Run(scores, stream, cancel);
        scoreForm?.Run(formed, stream, cancel);
        attention.Run(inner, stream, cancel);
    }

    /// <summary>Frees the workspace.</summary>
    public void Dispose()
    {
        attention.Dispose();
        product?.Dispose();
        scoreForm?.Dispose();
        presentKey?.Dispose();
        presentValue?.Dispose();
    }

    private void RequireBuilt(OnnxAttentionAttributes a)
    {
        if (a.QkMatmulOutputMode is < 0 or > WeightsMode)
            throw new ArgumentException($"qk_matmul_output_mode must be 0, 1, 2 or 3, is {a.QkMatmulOutputMode}.");
        if (a.QkMatmulOutputMode is MaskedMode or WeightsMode && sizes.VisibleKeys < sizes.SeqKv)
        {
            throw new NotSupportedException(
                $"qk_matmul_output_mode {a.QkMatmulOutputMode} needs an attn_mask of all {sizes.SeqKv} keys, not {sizes.VisibleKeys}.");
        }
    }

    private TensorView Visible(in TensorView keys) => sizes.VisibleKeys == sizes.SeqKv ? keys : keys.Slice(2, 0, sizes.VisibleKeys);

    private TensorView Heads(string name, in TensorView view, int heads, int dim) =>
        OnnxCheck.Heads(name, view, shapes.Q.Count, heads, dim);
}
