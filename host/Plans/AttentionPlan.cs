using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>Fused attention of one problem, or attention that also returns its weights.</summary>
public sealed class AttentionPlan : AttentionPlanBase<AttentionTensors>
{
    internal AttentionPlan(AttentionDevice device, AttentionProblem problem, Executable<AttentionTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override ref readonly AttentionTensors TensorsOf(in AttentionTensors given) => ref given;

    private protected override bool HasModifier => false;

    private protected override void Launch(
        in AttentionTensors given, in AttentionTensors tensors, ReadOnlySpan<TensorView> views, DeviceStream? queue,
        CancellationToken cancel) =>
        Launch(tensors, views, Names, Outputs, queue, cancel);
}

/// <summary>The checks that plans of attention share, with a score modifier and without.</summary>
/// <typeparam name="TTensors">What a run reads and writes.</typeparam>
public abstract class AttentionPlanBase<TTensors> : Plan<AttentionProblem, TTensors>
    where TTensors : struct
{
    private protected const int Outputs = 3;

    private protected static readonly string[] Names =
    [
        "O", "Lse", "Weights", "Q", "K", "V", "Mask", "Bias", "KeyLengths", "AlibiSlopes",
        "Sinks", "HeadScales", "DocumentsQ", "DocumentsKv", "BlockMask",
        "BlockTable", "KScales", "VScales", "StartsQ", "StartsKv", "RuleFloats", "RuleInts",
        "Cos", "Sin", "PositionsQ", "PositionsKv",
    ];

    private protected AttentionPlanBase(AttentionDevice device, AttentionProblem problem, Executable<TTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected abstract bool HasModifier { get; }

    private protected abstract ref readonly AttentionTensors TensorsOf(in TTensors given);

    /// <summary>Launches what was given with its tensors checked and padded.</summary>
    private protected abstract void Launch(
        in TTensors given, in AttentionTensors tensors, ReadOnlySpan<TensorView> views, DeviceStream? queue, CancellationToken cancel);

    private protected override void CheckAndLaunch(in TTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        AttentionTensors t = Check(Device, Problem, TensorsOf(tensors), HasModifier);
        ReadOnlySpan<TensorView> views =
        [
            t.O, t.Lse, t.Weights, t.Q, t.K, t.V, t.Mask, t.Bias, t.KeyLengths, t.AlibiSlopes,
            t.Sinks, t.HeadScales, t.DocumentsQ, t.DocumentsKv, t.BlockMask, t.BlockTable, t.KScales, t.VScales, t.StartsQ, t.StartsKv,
            t.RuleFloats, t.RuleInts,
            t.Cos, t.Sin, t.PositionsQ, t.PositionsKv,
        ];
        Launch(tensors, t, views, queue, cancel);
    }

    /// <summary>Compares each tensor with the problem and returns them with all axes; without values V, its scales and O are left
    /// out.</summary>
    internal static AttentionTensors Check(
        AttentionDevice device, AttentionProblem p, in AttentionTensors t, bool hasModifier = false, bool hasValues = true)
    {
        TensorCheck check = new(device);
        TensorView keyLengths = ScoreCheck.KeyLengths(check, p, t.KeyLengths);
        AttentionTensors checkedTensors = new()
        {
            Q = check.Rows(nameof(t.Q), t.Q, p.Type, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDim),
            K = check.Rows(nameof(t.K), t.K, p.KvType, p.KeyBatch, p.HeadsKv, p.KeyRows, p.HeadDim),
            V = !hasValues ? default : check.Rows(nameof(t.V), t.V, p.KvType, p.KeyBatch, p.HeadsKv, p.KeyRows, p.HeadDimV),
            O = !hasValues ? default : check.Rows(nameof(t.O), t.O, p.Type, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDimV),
            Lse = ScoreCheck.Lse(check, p, t.Lse),
            Weights = p.Weights
                ? check.Rows(nameof(t.Weights), t.Weights, DType.Float32, p.Batch, p.HeadsQ, p.SeqQ, p.SeqKv)
                : default,
            Mask = ScoreCheck.Mask(check, p, t.Mask),
            Bias = ScoreCheck.Bias(check, p, t.Bias),
            KeyLengths = keyLengths,
            AlibiSlopes = ScoreCheck.AlibiSlopes(check, p, t.AlibiSlopes),
            Sinks = ScoreCheck.PerHead(nameof(t.Sinks), check, p, p.Sinks, t.Sinks),
            HeadScales = ScoreCheck.PerHead(nameof(t.HeadScales), check, p, p.HeadScales, t.HeadScales),
            DocumentsQ = ScoreCheck.Documents(nameof(t.DocumentsQ), check, p, p.ScoreRows, t.DocumentsQ),
            DocumentsKv = ScoreCheck.Documents(nameof(t.DocumentsKv), check, p, p.ScoreColumns, t.DocumentsKv),
            BlockMask = ScoreCheck.BlockMask(check, p, t.BlockMask),
            BlockTable = KeyCheck.BlockTable(check, p, t.BlockTable, keyLengths),
            KScales = KeyCheck.Scales(check, p, nameof(t.KScales), t.KScales),
            VScales = !hasValues ? default : KeyCheck.Scales(check, p, nameof(t.VScales), t.VScales),
            StartsQ = KeyCheck.Starts(nameof(t.StartsQ), check, p, p.Packed?.TotalQ, p.SeqQ, t.StartsQ),
            Cos = RotaryCheck.Angles(check, p, nameof(t.Cos), t.Cos),
            Sin = RotaryCheck.Angles(check, p, nameof(t.Sin), t.Sin),
            PositionsQ = RotaryCheck.Positions(check, p, nameof(t.PositionsQ), t.PositionsQ, p.QueryBatch, p.QueryRows),
            PositionsKv = RotaryCheck.Positions(check, p, nameof(t.PositionsKv), t.PositionsKv, p.PositionBatch, p.PositionRows),
            StartsKv = KeyCheck.Starts(nameof(t.StartsKv), check, p, p.Packed?.TotalKv, p.SeqKv, t.StartsKv),
            RuleFloats = Table(check, nameof(t.RuleFloats), t.RuleFloats, DType.Float32, hasModifier),
            RuleInts = Table(check, nameof(t.RuleInts), t.RuleInts, DType.Int32, hasModifier),
        };
        RotaryCheck.RequireInTable(p, keyLengths);
        if (!p.Weights) check.Absent(nameof(t.Weights), t.Weights, nameof(p.Weights));
        if (hasValues) TensorCheck.RequireDistinct(nameof(t.O), checkedTensors.O);
        if (p.Weights) TensorCheck.RequireDistinct(nameof(t.Weights), checkedTensors.Weights);
        return checkedTensors;
    }

    private static TensorView Table(TensorCheck check, string name, in TensorView view, DType type, bool hasModifier)
    {
        if (view.IsEmpty) return default;
        if (!hasModifier)
            throw new ArgumentException($"{name}: a tensor ({view}) was given, but the plan has no score modifier and would ignore it.",
                name);
        if (view.Count > int.MaxValue)
            throw new ArgumentException($"{name}: a modifier looks up at most {int.MaxValue} numbers; got {view}.", name);
        return check.Dense(name, view, type, view.Shape);
    }
}
