namespace AttnKernels.Onnx;

/// <summary>
/// The attributes of an ONNX Attention node, with the operator's defaults. softmax_precision is not among them: the softmax is in fp32
/// whatever the node asks for.
/// </summary>
public sealed record OnnxAttentionAttributes
{
    /// <summary>q_num_heads, needed where Q, K and V have rank 3; 0 = not given.</summary>
    public int QNumHeads { get; init; }

    /// <summary>kv_num_heads, needed where Q, K and V have rank 3; 0 = not given.</summary>
    public int KvNumHeads { get; init; }

    /// <summary>is_causal: top-left without a cache, after the past keys with one, bottom-right with nonpad_kv_seqlen.</summary>
    public bool IsCausal { get; init; }

    /// <summary>scale; null = 1 / sqrt(head size).</summary>
    public float? Scale { get; init; }

    /// <summary>softcap; 0 = none.</summary>
    public float Softcap { get; init; }

    /// <summary>left_window_size (opset 25); -1 = all keys before the aligned one.</summary>
    public int LeftWindowSize { get; init; } = -1;

    /// <summary>right_window_size (opset 25); -1 = all keys after the aligned one.</summary>
    public int RightWindowSize { get; init; } = -1;

    /// <summary>qk_matmul_output_mode: 0 = scale * Q K^T, 1 = after the softcap, 2 = after mask and bias, 3 = after the softmax.</summary>
    public int QkMatmulOutputMode { get; init; }
}

/// <summary>The inputs and outputs that an ONNX Attention node has, with their shapes as they stand in the graph.</summary>
public sealed record OnnxAttentionShapes
{
    /// <summary>Type of Q, K, V, past and present, and Y. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>Q: (batch, heads, seq, dim), or (batch, seq, heads * dim).</summary>
    public required IReadOnlyList<int> Q { get; init; }

    /// <summary>K, of Q's rank: only the new keys where there is a past.</summary>
    public required IReadOnlyList<int> K { get; init; }

    /// <summary>V, of Q's rank: only the new values where there is a past.</summary>
    public required IReadOnlyList<int> V { get; init; }

    /// <summary>attn_mask, 1 to 4 axes that broadcast to (batch, heads, seq, all keys); its last axis may be shorter, which hides the
    /// keys beyond. Null = none.</summary>
    public IReadOnlyList<int>? Mask { get; init; }

    /// <summary>Type of attn_mask: Bool (true = attend), or a type that is added to the scores. Default Bool.</summary>
    public DType MaskType { get; init; } = DType.Bool;

    /// <summary>Rows of past_key and past_value, (batch, kv heads, PastLength, dim); null = the node has no past.</summary>
    public int? PastLength { get; init; }

    /// <summary>The node has nonpad_kv_seqlen.</summary>
    public bool NonpadKvSeqlen { get; init; }

    /// <summary>The node has present_key and present_value. Always true with a past.</summary>
    public bool Present { get; init; }

    /// <summary>The node has qk_matmul_output.</summary>
    public bool QkMatmulOutput { get; init; }
}

/// <summary>What a run of <see cref="OnnxAttention"/> reads and writes: exactly what the shapes name. Last axes are contiguous.</summary>
public readonly struct OnnxAttentionTensors
{
    /// <summary>Queries.</summary>
    public required TensorView Q { get; init; }

    /// <summary>New keys.</summary>
    public required TensorView K { get; init; }

    /// <summary>New values.</summary>
    public required TensorView V { get; init; }

    /// <summary>Output: (batch, heads, seq, dim of V), or (batch, seq, heads * dim of V).</summary>
    public required TensorView Y { get; init; }

    /// <summary>attn_mask.</summary>
    public TensorView Mask { get; init; }

    /// <summary>past_key (batch, kv heads, past length, dim).</summary>
    public TensorView PastKey { get; init; }

    /// <summary>past_value (batch, kv heads, past length, dim of V).</summary>
    public TensorView PastValue { get; init; }

    /// <summary>
    /// nonpad_kv_seqlen: the int64's memory seen as Int32 (batch, 2), the words of each number, the low one first; or Int32 (batch). At
    /// most attn_mask's last axis.
    /// </summary>
    public TensorView NonpadKvSeqlen { get; init; }

    /// <summary>Output: present_key (batch, kv heads, all keys, dim).</summary>
    public TensorView PresentKey { get; init; }

    /// <summary>Output: present_value (batch, kv heads, all keys, dim of V).</summary>
    public TensorView PresentValue { get; init; }

    /// <summary>Output: qk_matmul_output (batch, heads, seq, all keys), of the node's type.</summary>
    public TensorView QkMatmulOutput { get; init; }
}
