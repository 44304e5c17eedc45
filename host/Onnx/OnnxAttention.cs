using AttnKernels.Plans;

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
/// <item>qk_matmul_output is computed in fp32 and rounded to the node's type at the end;</item>
/// <item>the softmax is in fp32, whatever softmax_precision says.</item>
/// </list>
/// What a node may hold:
/// <list type="table">
/// <listheader><term>of the node</term><description>here</description></listheader>
/// <item><term>Q, K, V, past, present, Y (T1, T2)</term><description>float, float16, bfloat16, one type for all; rank 3 and 4; GQA; V's
/// head size may differ. Not built: double, V of another type than K</description></item>
/// <item><term>attn_mask (U)</term><description>bool, float, float16, bfloat16 under any T1; rank 1 to 4 with axes of 1 (rank 3 is per
/// head); last axis shorter than the keys. Not built: integers and double, which a cast node turns into float</description></item>
/// <item><term>past and present</term><description>all; past of length 0; present without past</description></item>
/// <item><term>nonpad_kv_seqlen</term><description>int64 as it lies in memory, or Int32; at most attn_mask's last axis, as the
/// specification asks. A length that is smaller than seqQ leaves leading rows without keys: 0</description></item>
/// <item><term>qk_matmul_output</term><description>modes 0 to 3, of type T1, with every form of mask</description></item>
/// <item><term>is_causal, scale, softcap, left and right window</term><description>all values</description></item>
/// <item><term>q_num_heads, kv_num_heads</term><description>with rank 3; not read with rank 4: opset 25 forbids them</description></item>
/// <item><term>softmax_precision</term><description>not read: fp32 always, also where a node asks for double</description></item>
/// </list>
/// Specification: https://onnx.ai/onnx/operators/onnx__Attention.html. Threads and streams as for <see cref="AttentionPlan"/>.
/// </summary>
public sealed class OnnxAttention : IDisposable
{
    private const int Outputs = 4;

    private static readonly string[] Names =
    [
        "Y", "PresentKey", "PresentValue", "QkMatmulOutput", "Q", "K", "V", "Mask", "PastKey", "PastValue", "NonpadKvSeqlen",
    ];

    private readonly AttentionDevice device;
    private readonly OnnxAttentionShapes shapes;
    private readonly OnnxAttentionSizes sizes;
    private readonly AttentionPlan attention;
    private readonly OnnxQkOutput? qkOutput;
    private readonly OnnxIndices? lengths;
    private readonly OnnxPresent? presentKey;
    private readonly OnnxPresent? presentValue;

    private OnnxAttention(AttentionDevice device, OnnxAttentionAttributes attributes, OnnxAttentionShapes shapes)
    {
        this.device = device;
        this.shapes = shapes;
        sizes = OnnxAttentionSizes.Of(attributes, shapes);
        attention = device.Plan(sizes.Problem(attributes, shapes));
        if (shapes.QkMatmulOutput) qkOutput = new OnnxQkOutput(device, sizes, attributes, shapes);
        if (shapes.NonpadKvSeqlen) lengths = new OnnxIndices(device, sizes.Batch);
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
    public long WorkspaceBytes => attention.WorkspaceBytes + (qkOutput?.WorkspaceBytes ?? 0) + (lengths?.WorkspaceBytes ?? 0);

    /// <summary>Checks the node and prepares its kernels.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="shapes">The node's inputs and outputs.</param>
    /// <exception cref="ArgumentException">The specification forbids these attributes or shapes.</exception>
    /// <exception cref="NotSupportedException">The device has no kernel for it.</exception>
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
        OnnxCheck.Optional(nameof(t.QkMatmulOutput), t.QkMatmulOutput, shapes.QkMatmulOutput,
            sizes.Batch, sizes.HeadsQ, sizes.SeqQ, sizes.SeqKv);
        OnnxCheck.Optional(nameof(t.PresentKey), t.PresentKey, sizes.HasPresent, sizes.Batch, sizes.HeadsKv, sizes.SeqKv, sizes.HeadDim);
        OnnxCheck.Optional(nameof(t.PresentValue), t.PresentValue, sizes.HasPresent,
            sizes.Batch, sizes.HeadsKv, sizes.SeqKv, sizes.HeadDimV);
        OnnxCheck.Optional(nameof(t.PastKey), t.PastKey, sizes.PastLength > 0, sizes.Batch, sizes.HeadsKv, sizes.PastLength, sizes.HeadDim);
        OnnxCheck.Optional(nameof(t.PastValue), t.PastValue, sizes.PastLength > 0,
            sizes.Batch, sizes.HeadsKv, sizes.PastLength, sizes.HeadDimV);
        ReadOnlySpan<TensorView> views =
        [
            t.Y, t.PresentKey, t.PresentValue, t.QkMatmulOutput, t.Q, t.K, t.V, t.Mask, t.PastKey, t.PastValue, t.NonpadKvSeqlen,
        ];
        Overlap.Refuse(views, Names, Outputs); // of them all: no part below sees more than its own
        using Lock.Scope whole = device.Use(stream).Enter(Problem); // its parts hand on workspaces of the stream
        bool isBool = shapes.MaskType == DType.Bool;
        AttentionTensors inner = new()
        {
            Q = Heads(nameof(t.Q), t.Q, sizes.HeadsQ, sizes.HeadDim),
            K = Visible(allK),
            V = Visible(allV),
            O = Heads(nameof(t.Y), t.Y, sizes.HeadsQ, sizes.HeadDimV),
            Mask = isBool ? t.Mask : default,
            Bias = isBool ? default : t.Mask,
            KeyLengths = lengths is null ? t.NonpadKvSeqlen : lengths.Narrow(nameof(t.NonpadKvSeqlen), t.NonpadKvSeqlen, stream, cancel),
        };

        attention.Verify(inner);
        qkOutput?.Verify(inner, allK, t.QkMatmulOutput, stream);
        presentKey?.Verify(k, t.PastKey, t.PresentKey);
        presentValue?.Verify(v, t.PastValue, t.PresentValue);
        presentKey?.Run(k, t.PastKey, t.PresentKey, stream, cancel);
        presentValue?.Run(v, t.PastValue, t.PresentValue, stream, cancel);
        qkOutput?.Run(inner, allK, t.QkMatmulOutput, stream, cancel);
        attention.Run(inner, stream, cancel);
    }

    /// <summary>Frees the workspace.</summary>
    public void Dispose()
    {
        attention.Dispose();
        qkOutput?.Dispose();
        lengths?.Dispose();
        presentKey?.Dispose();
        presentValue?.Dispose();
    }

    private TensorView Visible(in TensorView keys) => sizes.VisibleKeys == sizes.SeqKv ? keys : keys.Slice(2, 0, sizes.VisibleKeys);

    private TensorView Heads(string name, in TensorView view, int heads, int dim) =>
        OnnxCheck.Heads(name, view, shapes.Q.Count, heads, dim);
}
