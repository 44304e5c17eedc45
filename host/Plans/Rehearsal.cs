using System.Runtime.CompilerServices;

namespace AttnKernels.Plans;

/// <summary>
/// Runs a small problem of a plan's kind when the plan is made, on devices whose kernels the runtime compiles as they are first called: by
/// the plan's first run they are compiled, and so are the checks before them; threads and their scratch are there.
/// </summary>
internal static class Rehearsal
{
    /// <summary>A tile of queries; the remainder of the queries decides which products are compiled, too.</summary>
    private const int Queries = 64;

    /// <summary>A block of keys.</summary>
    private const int Keys = 128;

    /// <summary>A shorter block, which is cut into products of 6, 2 and 1 keys.</summary>
    private const int OddKeys = 9;

    /// <summary>A band that cuts blocks.</summary>
    private const int Window = 40;

    private const int MostKinds = 1024;

    private static readonly HashSet<AttentionProblem> Kinds = [];

    /// <summary>Rehearses <paramref name="problem"/>, unless this process has rehearsed one of its kind.</summary>
    public static void Of(AttentionDevice device, AttentionProblem problem)
    {
        AttentionProblem kind = KindOf(problem, device.Info.ComputeUnits);
        lock (Kinds)
        {
            if (Kinds.Count == MostKinds) Kinds.Clear();
            if (!Kinds.Add(kind)) return;
        }

        Run(device, kind);
    }

    /// <summary>
    /// The small problem that runs the same code: a head for each thread, so that tiles keep their size. That of a kind is itself.
    /// </summary>
    internal static AttentionProblem KindOf(AttentionProblem p, int threads)
    {
        int group = p.HeadsQ / p.HeadsKv;
        int seqQ = p.SeqQ < 2 * Queries ? p.SeqQ : Queries + (p.SeqQ % Queries);
        int seqKv = p.SeqKv <= Keys ? p.SeqKv : p.SeqKv % Keys == 0 ? Keys : Keys + OddKeys;
        return p with
        {
            Batch = 1,
            HeadsQ = threads * group,
            HeadsKv = threads,
            SeqQ = seqQ,
            SeqKv = seqKv,
            Scale = 1,
            Softcap = p.Softcap > 0 ? 1 : 0,
            Causal = p.Causal.Alignment is null ? CausalMask.None : CausalMask.BottomRight,
            Alignment = p.Causal.Alignment is null ? BandAlignment.BottomRight : null,
            WindowLeft = p.WindowLeft is { } left ? Math.Min(left, Window) : null,
            WindowRight = p.WindowRight is { } right ? Math.Min(right, Window) : null,
            Kv = p.Kv.IsPaged ? KvLayout.Paged(Math.Min(p.Kv.BlockSize, Keys), 1) : p.Kv,
            Rotary = p.Rotary is { } rotary ? rotary with { MaxPosition = 2 * Keys } : null,
            Packed = p.Packed is { } packed ? new PackedSequences(seqQ, packed.TotalKv is null ? null : seqKv) : null,
        };
    }

    /// <remarks>Runs a few times in a process: optimising it would take longer than all else that a rehearsal adds.</remarks>
    [MethodImpl(MethodImplOptions.NoOptimization)]
    private static void Run(AttentionDevice device, AttentionProblem p)
    {
        List<DeviceTensor> made = [];
        TensorView Zeros(DType type, params ReadOnlySpan<int> shape)
        {
            made.Add(device.Allocate(type, shape));
            return made[^1];
        }

        TensorView Ones(params ReadOnlySpan<int> shape)
        {
            TensorView ones = Zeros(DType.Bool, shape);
            made[^1].Fill(1);
            return ones;
        }

        TensorView Integers(params ReadOnlySpan<int> values)
        {
            made.Add(device.Upload(values, values.Length));
            return made[^1];
        }

        TensorView PerHead(bool given) => given ? Zeros(DType.Float32, p.HeadsQ) : default;

        TensorView Scales() => p.KvType == DType.Int8 ? Zeros(DType.Float32, p.KeyBatch, p.HeadsKv, p.KeyRows) : default;

        TensorView Positions(int batch, int rows) => p.Rotary is { Positions: true } ? Zeros(DType.Int32, batch, rows) : default;

        TensorView Angles() => p.Rotary is { } rotary ? Zeros(DType.Float32, rotary.MaxPosition, rotary.RotaryDim / 2) : default;

        try
        {
            using AttentionPlan plan = device.Plan(p);
            plan.Run(new AttentionTensors
            {
                Q = Zeros(p.Type, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDim),
                K = Zeros(p.KvType, p.KeyBatch, p.HeadsKv, p.KeyRows, p.HeadDim),
                V = Zeros(p.KvType, p.KeyBatch, p.HeadsKv, p.KeyRows, p.HeadDimV),
                O = Zeros(p.Type, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDimV),
                Lse = p.Lse ? Zeros(DType.Float32, p.LseBatch, p.HeadsQ, p.LseRows) : default,
                Weights = p.Weights ? Zeros(DType.Float32, p.Batch, p.HeadsQ, p.SeqQ, p.SeqKv) : default,
                Mask = p.Mask ? Ones(1, 1, 1, p.SeqKv) : default,
                Bias = p.Bias ? Zeros(p.BiasType, 1, 1, 1, p.SeqKv) : default,
                KeyLengths = p.KeyLengths ? Integers(p.SeqKv) : default,
                AlibiSlopes = PerHead(p.Alibi),
                Sinks = PerHead(p.Sinks),
                HeadScales = PerHead(p.HeadScales),
                DocumentsQ = p.Documents ? Zeros(DType.Int32, 1, p.SeqQ) : default,
                DocumentsKv = p.Documents ? Zeros(DType.Int32, 1, p.SeqKv) : default,
                BlockMask = p.Blocks is { } blocks ? Ones(1, 1, blocks.QueryBlocks(p.SeqQ), blocks.KeyBlocks(p.SeqKv)) : default,
                BlockTable = p.Kv.IsPaged ? Zeros(DType.Int32, 1, p.TableColumns) : default,
                KScales = Scales(),
                VScales = Scales(),
                StartsQ = p.Packed is null ? default : Integers(0, p.SeqQ),
                StartsKv = p.Packed?.TotalKv is null ? default : Integers(0, p.SeqKv),
                Cos = Angles(),
                Sin = Angles(),
                PositionsQ = Positions(p.QueryBatch, p.QueryRows),
                PositionsKv = Positions(p.PositionBatch, p.PositionRows),
            });
        }
        finally
        {
            foreach (DeviceTensor tensor in made) tensor.Dispose();
        }
    }
}
