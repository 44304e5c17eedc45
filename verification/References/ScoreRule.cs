namespace AttnKernels.Verification;

/// <summary>Which key counts as aligned with a query, for causal masks, windows and ALiBi.</summary>
public enum KeyAlignment
{
    /// <summary>Key i + <see cref="ScoreRule.Offset"/> is aligned with query i; offset 0 is top-left.</summary>
    Offset,

    /// <summary>The last visible key is aligned with the last query: bottom-right.</summary>
    BottomRight,
}

/// <summary>
/// What turns a dot product into a score, and which keys a query sees: the contract of attention written out condition by condition,
/// so that it shares nothing with the interval arithmetic of the kernels.
/// </summary>
public sealed record ScoreRule
{
    /// <summary>Multiplies the dot product.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>0, or c of s = c tanh(s / c).</summary>
    public double Softcap { get; init; }

    /// <summary>Whether keys after the aligned one are hidden.</summary>
    public bool Causal { get; init; }

    /// <summary>How the aligned key is found.</summary>
    public KeyAlignment Alignment { get; init; }

    /// <summary>The aligned key of query 0 under <see cref="KeyAlignment.Offset"/>.</summary>
    public int Offset { get; init; }

    /// <summary>How many keys before the aligned one are seen; null = all.</summary>
    public int? WindowLeft { get; init; }

    /// <summary>How many keys after the aligned one are seen; null = all.</summary>
    public int? WindowRight { get; init; }

    /// <summary>(batch), or null: all keys count.</summary>
    public HostTensor? KeyLengths { get; init; }

    /// <summary>(batch), or null: all queries exist.</summary>
    public HostTensor? QueryLengths { get; init; }

    /// <summary>(batch) the positions of the first keys, which <see cref="Offset"/> counts; or null: 0.</summary>
    public HostTensor? FirstPositions { get; init; }

    /// <summary>Rank 4, broadcast; 0 hides the key.</summary>
    public HostTensor? Mask { get; init; }

    /// <summary>Rank 4, broadcast, added to the score; -inf hides the key.</summary>
    public HostTensor? Bias { get; init; }

    /// <summary>(heads) or (batch, heads).</summary>
    public HostTensor? AlibiSlopes { get; init; }

    /// <summary>(heads), or null: scores without a key.</summary>
    public HostTensor? Sinks { get; init; }

    /// <summary>(heads), or null: factors of the scale.</summary>
    public HostTensor? HeadScales { get; init; }

    /// <summary>(batch or 1, queries), or null: all keys are of the query's document.</summary>
    public HostTensor? DocumentsQ { get; init; }

    /// <summary>(batch or 1, keys).</summary>
    public HostTensor? DocumentsKv { get; init; }

    /// <summary>Rank 4, broadcast, an element a block of pairs; 0 hides the block.</summary>
    public HostTensor? BlockMask { get; init; }

    /// <summary>Queries of a block.</summary>
    public int QueryBlock { get; init; }

    /// <summary>Keys of a block.</summary>
    public int KeyBlock { get; init; }

    /// <summary>The user's own rule, or null.</summary>
    public ModifierReference? Modifier { get; init; }

    /// <summary>The factor of head <paramref name="h"/>'s dot products.</summary>
    public double ScaleOf(int h) => HeadScales is null ? Scale : Scale * HeadScales.Values[h];

    /// <summary>The score without a key of head <paramref name="h"/>; -inf where there is none.</summary>
    public double SinkOf(int h) => Sinks is null ? double.NegativeInfinity : Sinks.Values[h];

    /// <summary>The number of keys of batch entry <paramref name="b"/> that exist.</summary>
    public int KeysOf(int b, int keys) => KeyLengths is null ? keys : (int)KeyLengths.Values[b];

    /// <summary>The number of queries of batch entry <paramref name="b"/> that exist.</summary>
    public int QueriesOf(int b, int queries) => QueryLengths is null ? queries : (int)QueryLengths.Values[b];

    /// <summary>The key aligned with query <paramref name="i"/>; it need not exist.</summary>
    public int AlignedKey(int b, int i, int queries, int keys) =>
        Alignment == KeyAlignment.BottomRight
            ? i + KeysOf(b, keys) - QueriesOf(b, queries)
            : i + Offset - (FirstPositions is null ? 0 : (int)FirstPositions.Values[b]);

    /// <summary>Whether query <paramref name="i"/> of <paramref name="queries"/> sees key <paramref name="j"/> of
    /// <paramref name="keys"/>.</summary>
    public bool Sees(int b, int h, int i, int j, int queries, int keys)
    {
        int aligned = AlignedKey(b, i, queries, keys);
        if (i >= QueriesOf(b, queries) || j >= KeysOf(b, keys)) return false;
        if (Causal && j > aligned) return false;
        if (WindowLeft is int left && j < aligned - left) return false;
        if (WindowRight is int right && j > aligned + right) return false;
        if (Mask is not null && Mask.Broadcast(b, h, i, j) == 0) return false;
        if (DocumentsQ is not null && Document(DocumentsQ, b, i) != Document(DocumentsKv!, b, j)) return false;
        if (BlockMask is not null && BlockMask.Broadcast(b, h, i / QueryBlock, j / KeyBlock) == 0) return false;
        if (Modifier is not null && Modifier.Hides(b, h, i, j, aligned)) return false;
        return Bias is null || !float.IsNegativeInfinity(Bias.Broadcast(b, h, i, j));
    }

    private static float Document(HostTensor ids, int b, int n) => ids.Values[((ids.Shape[0] == 1 ? 0 : b) * ids.Shape[1]) + n];

    /// <summary>The ALiBi slope of a head; 0 where there is none.</summary>
    public double Slope(int b, int h)
    {
        if (AlibiSlopes is null) return 0;
        int heads = AlibiSlopes.Shape[^1];
        return AlibiSlopes.Values[AlibiSlopes.Shape.Length == 1 ? h : (b * heads) + h];
    }
}
