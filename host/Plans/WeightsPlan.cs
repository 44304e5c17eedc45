using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>The attention weights of chosen rows of one problem.</summary>
public sealed class WeightsPlan : WeightsPlanBase<WeightsTensors>
{
    internal WeightsPlan(AttentionDevice device, WeightsProblem problem, Executable<WeightsTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override bool HasModifier => false;

    private protected override ref readonly WeightsTensors TensorsOf(in WeightsTensors given) => ref given;

    private protected override WeightsTensors With(in WeightsTensors given, in WeightsTensors tensors) => tensors;
}

/// <summary>
/// The same after a run with a score modifier of the caller's; made by <see cref="AttentionDevice.Plan{TRule}(WeightsProblem)"/>.
/// </summary>
/// <typeparam name="TRule">The modifier.</typeparam>
public sealed class WeightsPlan<TRule> : WeightsPlanBase<Ruled<WeightsTensors, TRule>>
    where TRule : unmanaged, IScoreModifier
{
    internal WeightsPlan(AttentionDevice device, WeightsProblem problem, Executable<Ruled<WeightsTensors, TRule>> executable)
        : base(device, problem, executable)
    {
    }

    private protected override bool HasModifier => true;

    /// <summary>As the other Run, with the modifier's values of the fused run.</summary>
    /// <inheritdoc cref="Plan{TProblem, TTensors}.Run"/>
    /// <param name="tensors">Inputs and outputs.</param>
    /// <param name="rule">The modifier's values.</param>
    /// <param name="stream">A stream of the plan's device; null = its default stream.</param>
    /// <param name="cancel">Stops the run.</param>
    public void Run(in WeightsTensors tensors, TRule rule, DeviceStream? stream = null, CancellationToken cancel = default) =>
        Run(new Ruled<WeightsTensors, TRule>(tensors, rule), stream, cancel);

    private protected override ref readonly WeightsTensors TensorsOf(in Ruled<WeightsTensors, TRule> given) => ref given.Tensors;

    private protected override Ruled<WeightsTensors, TRule> With(in Ruled<WeightsTensors, TRule> given, in WeightsTensors tensors) =>
        new(tensors, given.Rule);
}

/// <summary>The checks that plans of weights share, with a score modifier and without.</summary>
/// <typeparam name="TTensors">What a run reads and writes.</typeparam>
public abstract class WeightsPlanBase<TTensors> : Plan<WeightsProblem, TTensors>
    where TTensors : struct
{
    private static readonly string[] Names =
    [
        "P", "Rows", "Q", "K", "Lse", "Mask", "Bias", "KeyLengths", "AlibiSlopes",
        "Sinks", "HeadScales", "DocumentsQ", "DocumentsKv", "BlockMask", "BlockTable", "KScales", "StartsQ", "StartsKv",
        "RuleFloats", "RuleInts", "Cos", "Sin", "PositionsQ", "PositionsKv",
    ];

    private protected WeightsPlanBase(AttentionDevice device, WeightsProblem problem, Executable<TTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected abstract bool HasModifier { get; }

    private protected abstract ref readonly WeightsTensors TensorsOf(in TTensors given);

    /// <summary>What was given, with its tensors checked and padded.</summary>
    private protected abstract TTensors With(in TTensors given, in WeightsTensors tensors);

    private protected override void CheckAndLaunch(in TTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        WeightsTensors t = Check(TensorsOf(tensors));
        AttentionTensors a = t.Attention;
        ReadOnlySpan<TensorView> views =
        [
            t.P, t.Rows, a.Q, a.K, a.Lse, a.Mask, a.Bias, a.KeyLengths, a.AlibiSlopes,
            a.Sinks, a.HeadScales, a.DocumentsQ, a.DocumentsKv, a.BlockMask, a.BlockTable, a.KScales, a.StartsQ, a.StartsKv,
            a.RuleFloats, a.RuleInts, a.Cos, a.Sin, a.PositionsQ, a.PositionsKv,
        ];
        Launch(With(tensors, t), views, Names, outputs: 1, queue, cancel);
    }

    private WeightsTensors Check(in WeightsTensors t)
    {
        AttentionProblem p = Problem.Attention;
        TensorCheck check = new(Device);
        AttentionTensors attention = AttentionPlan.Check(Device, p, t.Attention, HasModifier, hasValues: false);
        WeightsTensors checkedTensors = new()
        {
            // Kernels take V and O and do not touch them: K and Q stand in.
            Attention = attention with { V = attention.K, VScales = attention.KScales, O = attention.Q },
            Rows = check.Rows(nameof(t.Rows), t.Rows, DType.Int32, Problem.Rows, 3),
            P = check.Rows(nameof(t.P), t.P, DType.Float32, Problem.Rows, p.SeqKv),
        };
        RequireInRange(nameof(t.Rows), checkedTensors.Rows, p, attention.StartsQ);
        TensorCheck.RequireDistinct(nameof(t.P), checkedTensors.P);
        return checkedTensors;
    }

    /// <summary>Refuses rows that do not exist, where the memory can be read here.</summary>
    private static unsafe void RequireInRange(string name, in TensorView rows, AttentionProblem p, in TensorView startsQ)
    {
        if (rows.Buffer!.Address == 0) return;
        int* starts = startsQ.IsEmpty || startsQ.Buffer!.Address == 0 ? null : (int*)startsQ.Buffer.Address + startsQ.Offset;
        for (int n = 0; n < rows.Size(0); n++)
        {
            int* row = (int*)rows.Buffer.Address + rows.Offset + (n * rows.Stride(0));
            bool isEntry = row[0] >= 0 && row[0] < p.Batch;
            int queries = isEntry && starts != null ? starts[row[0] + 1] - starts[row[0]] : p.SeqQ;
            int axis = !isEntry ? 0 : row[1] < 0 || row[1] >= p.HeadsQ ? 1 : row[2] < 0 || row[2] >= queries ? 2 : -1;
            if (axis < 0) continue;
            throw new ArgumentOutOfRangeException(
                name, row[axis],
                $"{name}[{n}] = ({row[0]}, {row[1]}, {row[2]}) is no row (batch entry, head, query) of " +
                $"{p.Batch} x {p.HeadsQ} x {queries}{(starts == null ? "" : $", the queries of entry {row[0]}")}.");
        }
    }
}
