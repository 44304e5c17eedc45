using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Turns checked views and problems into the arguments of the SIMD kernels.</summary>
internal static unsafe class SimdArgs
{
    /// <summary>"Vector512 registers, ..., by up to 8 threads"</summary>
    public static string Describe(this SimdWorkers workers) =>
        $"{workers.Width} registers, the widest that this processor has, by up to {workers.Threads} threads, caller included";

    public static void* Data(in TensorView view) =>
        view.Buffer is { } buffer ? (byte*)buffer.Address + (view.Offset * view.Type.Size()) : null;

    /// <summary>A (batch, head, row, column) view with contiguous last axis.</summary>
    public static HeadTensor Heads(in TensorView view) => new()
    {
        Data = Data(view),
        BatchStride = view.Stride(0),
        HeadStride = view.Stride(1),
        RowStride = view.Stride(2),
    };

    public static BroadcastTensor Broadcast(in TensorView view) => view.IsEmpty ? default : new()
    {
        Data = Data(view),
        BatchStride = view.Stride(0),
        HeadStride = view.Stride(1),
        RowStride = view.Stride(2),
        ColumnStride = view.Stride(3),
    };

    /// <summary>How K and V are stored.</summary>
    public static KeyArgs Keys(AttentionProblem p, in AttentionTensors t) => new()
    {
        Type = p.KvType,
        BlockTable = (int*)Data(t.BlockTable),
        TableStride = t.BlockTable.IsEmpty ? 0 : t.BlockTable.Stride(0),
        BlockShift = p.Kv.BlockShift,
        KScales = t.KScales.IsEmpty ? default : Heads(t.KScales),
        VScales = t.VScales.IsEmpty ? default : Heads(t.VScales),
    };

    /// <summary>Entries of lengths of their own.</summary>
    public static SequenceArgs Sequences(AttentionProblem p, in AttentionTensors t) => new()
    {
        StartsQ = (int*)Data(t.StartsQ),
        StartsKv = (int*)Data(t.StartsKv),
        TotalQ = p.QueryRows,
        IsRing = p.Kv.IsRing,
    };

    /// <summary>What happens to rows of Q and K.</summary>
    public static VectorArgs Vectors(AttentionProblem p, in AttentionTensors t) => new()
    {
        IsCosine = p.Similarity == Similarity.Cosine,
        RotaryDim = p.Rotary?.RotaryDim ?? 0,
        Interleaved = p.Rotary?.Interleaved ?? false,
        MaxPosition = p.Rotary?.MaxPosition ?? 0,
        Cos = (float*)Data(t.Cos),
        Sin = (float*)Data(t.Sin),
        CosStride = BatchStride(t.Cos),
        SinStride = BatchStride(t.Sin),
        PositionsQ = (int*)Data(t.PositionsQ),
        PositionsKv = (int*)Data(t.PositionsKv),
        PositionsQStride = BatchStride(t.PositionsQ),
        PositionsKvStride = BatchStride(t.PositionsKv),
    };

    public static MatrixArgs Matrix(in TensorView view) => new()
    {
        Data = Data(view),
        Type = view.Type,
        Batch0Stride = view.Stride(0),
        Batch1Stride = view.Stride(1),
        RowStride = view.Stride(2),
        ColumnStride = view.Stride(3),
    };

    /// <summary>The part of the score that the problem alone decides.</summary>
    public static ScoreArgs Score(ScoreProblem problem) => new()
    {
        Scale = problem.ScoreScale,
        Softcap = problem.Softcap,
        Band = problem.Band,
        BiasType = problem.BiasType,
        QueryBlock = problem.Blocks?.QueryBlock ?? 0,
        KeyBlock = problem.Blocks?.KeyBlock ?? 0,
    };

    /// <summary>Adds the tensors of one run.</summary>
    public static void Fill(ref ScoreArgs score, in TensorView keyLengths, in ScoreTensors tensors)
    {
        score.KeyLengths = (int*)Data(keyLengths);
        score.Mask = Broadcast(tensors.Mask);
        score.Bias = Broadcast(tensors.Bias);
        score.AlibiSlopes = (float*)Data(tensors.AlibiSlopes);
        score.AlibiBatchStride = BatchStride(tensors.AlibiSlopes);
        score.Sinks = (float*)Data(tensors.Sinks);
        score.HeadScales = (float*)Data(tensors.HeadScales);
        score.DocumentsQ = (int*)Data(tensors.DocumentsQ);
        score.DocumentsQStride = BatchStride(tensors.DocumentsQ);
        score.DocumentsKv = (int*)Data(tensors.DocumentsKv);
        score.DocumentsKvStride = BatchStride(tensors.DocumentsKv);
        score.Blocks = Broadcast(tensors.BlockMask);
    }

    /// <summary>A score modifier with what it looks up.</summary>
    public static ScoreModifier<TRule> Modifier<TRule>(in TRule rule, in ScoreTensors tensors)
        where TRule : unmanaged, IScoreModifier => new()
        {
            Rule = rule,
            Tables = new PointerTables
            {
                Floats = (float*)Data(tensors.RuleFloats),
                FloatCount = (int)tensors.RuleFloats.Count,
                Ints = (int*)Data(tensors.RuleInts),
                IntCount = (int)tensors.RuleInts.Count,
            },
        };

    private static long BatchStride(in TensorView view) => view.IsEmpty ? 0 : view.Stride(0);

    /// <summary>Refuses indices outside 0..<paramref name="largest"/>, before anything is written.</summary>
    public static void CheckRange(string name, in TensorView indices, int largest)
    {
        if (indices.IsEmpty) return;
        ReadOnlySpan<int> values = new(Data(indices), checked((int)indices.Count));
        int bad = values.IndexOfAnyExceptInRange(0, largest);
        if (bad >= 0) throw new ArgumentOutOfRangeException(name, values[bad], $"{name}[{bad}] = {values[bad]} is not in 0..{largest}.");
    }
}
