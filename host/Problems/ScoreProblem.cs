namespace AttnKernels;

/// <summary>
/// What turns a dot product (or an element of X) into a score, in this order: s = scale * headScale * dot; s = softcap * tanh(s / softcap)
/// where softcap &gt; 0; s += bias - slope * |i + shift - j|; s = -inf where the causal mask, the window, the key length or the
/// boolean mask hides key j from query i. Masks compose: a key is visible where all of them allow it.
/// </summary>
public abstract record ScoreProblem
{
    private protected ScoreProblem()
    {
    }

    /// <summary>Largest query or key count, window and offset: index sums stay within 32 bits.</summary>
    internal const int MaxRows = 1 << 29;

    /// <summary>tanh soft cap of the scaled score (Gemma 2), 0 = none.</summary>
    public float Softcap { get; init; }

    /// <summary>Hides keys after the aligned one.</summary>
    public CausalMask Causal { get; init; }

    /// <summary>
    /// Where the diagonal of the window or of ALiBi lies if <see cref="Causal"/> is None. Must be said where it makes a difference
    /// (different numbers of queries and keys, or key lengths).
    /// </summary>
    public BandAlignment? Alignment { get; init; }

    /// <summary>How many keys before the aligned one are visible; null = all.</summary>
    public int? WindowLeft { get; init; }

    /// <summary>How many keys after the aligned one are visible; null = all. A causal mask makes it 0.</summary>
    public int? WindowRight { get; init; }

    /// <summary>Run receives key lengths: Int32 (batch), each 0..number of keys; keys from there on are hidden.</summary>
    public bool KeyLengths { get; init; }

    /// <summary>Run receives a boolean mask, true = attend: Bool (batch, heads, queries, keys), each axis full or 1.</summary>
    public bool Mask { get; init; }

    /// <summary>Run receives a bias that is added to the scores: (batch, heads, queries, keys), each axis full or 1.</summary>
    public bool Bias { get; init; }

    /// <summary>Type of the bias. Default Float32.</summary>
    public DType BiasType { get; init; } = DType.Float32;

    /// <summary>Run receives ALiBi slopes: Float32 (heads) or (batch, heads); the score loses slope * |i + shift - j|.</summary>
    public bool Alibi { get; init; }

    /// <summary>
    /// Run receives a learned score without a key for each head, Float32 (heads), that takes part in the normalisation of every row:
    /// l += exp(sink - m) (Xiao et al. 2023; gpt-oss). LSE includes it; a row without visible keys gives 0 and LSE = sink.
    /// </summary>
    public bool Sinks { get; init; }

    /// <summary>Run receives a factor of the scale for each head, Float32 (heads): cosine attention's learned scale (Swin V2).</summary>
    public bool HeadScales { get; init; }

    /// <summary>Run receives document ids, Int32 (batch or 1, queries) and (batch or 1, keys): a key is visible where its id is the
    /// query's.</summary>
    public bool Documents { get; init; }

    /// <summary>Run receives a mask of blocks; those that are false are hidden, and skipped where a whole tile is. Null = none.</summary>
    public BlockSparsity? Blocks { get; init; }

    /// <summary>Run also returns the natural log-sum-exp of every row: Float32 (batch, heads, queries).</summary>
    public bool Lse { get; init; }

    internal abstract int ScoreBatch { get; }

    internal abstract int ScoreHeads { get; }

    internal abstract int ScoreRows { get; }

    internal abstract int ScoreColumns { get; }

    internal abstract float ScoreScale { get; }

    /// <summary>What the rows and the columns of the scores are called, in that order.</summary>
    internal abstract (string Rows, string Columns) ScoreNames { get; }

    /// <summary>Names of the tensors that Run receives for this problem beside those that every one has.</summary>
    internal virtual IEnumerable<string> OptionalTensors
    {
        get
        {
            if (KeyLengths) yield return nameof(AttentionTensors.KeyLengths);
            if (Mask) yield return nameof(AttentionTensors.Mask);
            if (Bias) yield return nameof(AttentionTensors.Bias);
            if (Alibi) yield return nameof(AttentionTensors.AlibiSlopes);
            if (Sinks) yield return nameof(AttentionTensors.Sinks);
            if (HeadScales) yield return nameof(AttentionTensors.HeadScales);
            if (Documents) yield return nameof(AttentionTensors.DocumentsQ);
            if (Documents) yield return nameof(AttentionTensors.DocumentsKv);
            if (Blocks is not null) yield return nameof(AttentionTensors.BlockMask);
            if (Lse) yield return nameof(AttentionTensors.Lse);
        }
    }

    /// <summary>The largest key length that Run may receive.</summary>
    internal virtual int MaxKeyLength => ScoreColumns;

    /// <summary>First and last axis of LSE.</summary>
    internal virtual int LseBatch => ScoreBatch;

    /// <inheritdoc cref="LseBatch"/>
    internal virtual int LseRows => ScoreRows;

    /// <summary>The alignment in force.</summary>
    internal BandAlignment EffectiveAlignment => Causal.Alignment ?? Alignment ?? BandAlignment.TopLeft;

    /// <summary>The keys that index arithmetic alone makes visible: causal mask and window in one interval a row.</summary>
    public KeyBand Band
    {
        get
        {
            BandAlignment alignment = EffectiveAlignment;
            int left = WindowLeft ?? KeyBand.Unlimited;
            int right = Causal.Alignment is null ? WindowRight ?? KeyBand.Unlimited : 0;
            return new KeyBand(alignment.Offset, alignment.FollowsEnd, left, right);
        }
    }

    /// <summary>Pairs (query, key) of one head that <see cref="Band"/> leaves visible, with all keys present.</summary>
    internal double VisiblePairs => BandArea.Pairs(Band, ScoreRows, ScoreColumns);

    private protected void ValidateScore()
    {
        ProblemCheck.InRange(ScoreRows, 1, MaxRows, ScoreNames.Rows);
        ProblemCheck.InRange(ScoreColumns, 1, MaxRows, ScoreNames.Columns);
        if (!float.IsFinite(ScoreScale)) throw new ArgumentException($"Scale must be finite, is {ScoreScale}.", "Scale");
        if (!float.IsFinite(Softcap) || Softcap < 0)
            throw new ArgumentException($"Softcap must be finite and not negative (0 = none), is {Softcap}.", nameof(Softcap));
        if (WindowLeft is { } left) ProblemCheck.InRange(left, 0, MaxRows, nameof(WindowLeft));
        if (WindowRight is { } right) ProblemCheck.InRange(right, 0, MaxRows, nameof(WindowRight));
        ProblemCheck.InRange(EffectiveAlignment.Offset, -MaxRows, MaxRows, "offset of Causal or Alignment");
        if (Bias) ProblemCheck.Float(BiasType, nameof(BiasType));
        if (Blocks is { } blocks)
        {
            ProblemCheck.InRange(blocks.QueryBlock, 1, MaxRows, "Blocks.QueryBlock");
            ProblemCheck.InRange(blocks.KeyBlock, 1, MaxRows, "Blocks.KeyBlock");
        }

        if (Causal.Alignment is { } causal && Alignment is { } other && causal != other)
            throw new ArgumentException($"Alignment is {other}, but the causal mask is aligned {causal}. Say it once.", nameof(Alignment));
        bool diagonalMatters = WindowLeft is not null || WindowRight is not null || Alibi;
        bool ambiguous = ScoreRows != ScoreColumns || KeyLengths;
        if (diagonalMatters && ambiguous && Causal.Alignment is null && Alignment is null)
        {
            throw new ArgumentException(
                $"A window or ALiBi over {ScoreRows} queries and {ScoreColumns} keys{(KeyLengths ? " of variable length" : "")} needs " +
                "Alignment (TopLeft, BottomRight or At(offset)), or a causal mask that has one.", nameof(Alignment));
        }
    }

    /// <summary>The mask part of Explain(): "causal BottomRight, window (128, -), key lengths".</summary>
    internal string DescribeScore()
    {
        List<string> parts = [];
        if (Causal.Alignment is { } causal) parts.Add($"causal {causal}");
        if (WindowLeft is not null || WindowRight is not null)
            parts.Add($"window ({WindowLeft?.ToString() ?? "-"}, {WindowRight?.ToString() ?? "-"}) {EffectiveAlignment}");
        if (KeyLengths) parts.Add("key lengths");
        if (Mask) parts.Add("boolean mask");
        if (Bias) parts.Add($"bias {BiasType}");
        if (Alibi) parts.Add($"ALiBi {EffectiveAlignment}");
        if (Softcap > 0) parts.Add($"softcap {Softcap}");
        if (HeadScales) parts.Add("head scales");
        if (Documents) parts.Add("documents");
        if (Blocks is { } blocks) parts.Add($"blocks {blocks.QueryBlock}x{blocks.KeyBlock}");
        if (Sinks) parts.Add("sinks");
        if (Lse) parts.Add("LSE");
        return parts.Count == 0 ? "no mask" : string.Join(", ", parts);
    }
}
