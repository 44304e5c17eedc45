namespace AttnKernels.Verification;

/// <summary>Score modifiers that cases try.</summary>
public enum CaseModifier
{
    /// <summary>None.</summary>
    None,

    /// <summary>A learned bias per head and distance, looked up: <see cref="TableBias"/>.</summary>
    TableBias,

    /// <summary>Every n-th key back to a distance, of those that a table of integers allows: <see cref="DilatedWindow"/>.</summary>
    DilatedWindow,

    /// <summary>A bias that is computed, and a factor: <see cref="LogBias"/>.</summary>
    LogBias,
}

/// <summary>score + table[head, aligned - key], distances cut to 0 .. reach (T5, one direction).</summary>
/// <param name="reach">Largest distance in the table.</param>
public readonly struct TableBias(int reach) : IScoreModifier
{
    /// <inheritdoc/>
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables
    {
        int distance = Math.Min(Math.Max(at.Aligned - at.Key, 0), reach);
        return score + tables.Float((at.Head * (reach + 1)) + distance);
    }
}

/// <summary>
/// Hides keys whose distance is no multiple of a step, and those that a table (batch, keys) forbids to the query's parity.
/// </summary>
/// <param name="step">Distance between visible keys.</param>
/// <param name="keys">Keys of a batch entry.</param>
public readonly struct DilatedWindow(int step, int keys) : IScoreModifier
{
    /// <inheritdoc/>
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables
    {
        if ((at.Aligned - at.Key) % step != 0) return float.NegativeInfinity;
        return tables.Int((at.Batch * keys) + at.Key) == (at.Query & 1) ? float.NegativeInfinity : score;
    }
}

/// <summary>factor * score - slope * ln(1 + |aligned - key|) (KERPLE).</summary>
/// <param name="factor">At most 1 in size.</param>
/// <param name="slope">Of the logarithm.</param>
public readonly struct LogBias(float factor, float slope) : IScoreModifier
{
    /// <inheritdoc/>
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables =>
        (factor * score) - (slope * MathF.Log(1 + Math.Abs(at.Aligned - at.Key)));
}

/// <summary>Plans of attention with and without a modifier, as one.</summary>
internal abstract class CasePlan : IDisposable
{
    private const int Reach = 9, Step = 3;
    private const float Factor = -0.75f, Slope = 0.4f;

    public abstract string Explain();

    public abstract void Run(in AttentionTensors tensors);

    /// <summary>A plan for the weights of chosen rows after such a run, and what runs it.</summary>
    public abstract (IDisposable Plan, Action<WeightsTensors> Run) Weights(AttentionDevice device, WeightsProblem problem);

    public abstract void Dispose();

    public static CasePlan Create(AttentionDevice device, AttentionProblem p, CaseModifier modifier) => modifier switch
    {
        CaseModifier.TableBias => new Ruled<TableBias>(device, p, new TableBias(Reach)),
        CaseModifier.DilatedWindow => new Ruled<DilatedWindow>(device, p, new DilatedWindow(Step, p.SeqKv)),
        CaseModifier.LogBias => new Ruled<LogBias>(device, p, new LogBias(Factor, Slope)),
        _ => new Unruled(device, p),
    };

    /// <summary>What the modifier means, with the tables it looks up.</summary>
    public static ModifierReference? Draw(ScoreProblem p, CaseModifier modifier, Seeded random) => modifier switch
    {
        CaseModifier.TableBias => new TableBiasReference(random.Normals(30, DType.Float32, 1, p.ScoreHeads, Reach + 1)),
        CaseModifier.DilatedWindow => new DilatedReference(Parities(random, p.ScoreBatch, p.ScoreColumns)),
        CaseModifier.LogBias => new LogReference(),
        _ => null,
    };

    /// <summary>0: hidden from even queries, 1: from odd ones, 2 to 4: from none.</summary>
    private static HostTensor Parities(Seeded random, int batch, int keys)
    {
        float[] values = [.. Enumerable.Range(0, batch * keys).Select(n => MathF.Floor(5 * (float)random.Uniform(31, n)))];
        return new HostTensor(DType.Int32, values, batch, keys);
    }

    private sealed class Unruled(AttentionDevice device, AttentionProblem p) : CasePlan
    {
        private readonly AttentionPlan plan = device.Plan(p);

        public override string Explain() => plan.Explain();

        public override void Run(in AttentionTensors tensors) => plan.Run(tensors);

        public override (IDisposable Plan, Action<WeightsTensors> Run) Weights(AttentionDevice device, WeightsProblem problem)
        {
            WeightsPlan weights = device.Plan(problem);
            return (weights, tensors => weights.Run(tensors));
        }

        public override void Dispose() => plan.Dispose();
    }

    private sealed class Ruled<TRule>(AttentionDevice device, AttentionProblem p, TRule rule) : CasePlan
        where TRule : unmanaged, IScoreModifier
    {
        private readonly AttentionPlan<TRule> plan = device.Plan<TRule>(p);

        public override string Explain() => plan.Explain();

        public override void Run(in AttentionTensors tensors) => plan.Run(tensors, rule);

        public override (IDisposable Plan, Action<WeightsTensors> Run) Weights(AttentionDevice device, WeightsProblem problem)
        {
            WeightsPlan<TRule> weights = device.Plan<TRule>(problem);
            return (weights, tensors => weights.Run(tensors, rule));
        }

        public override void Dispose() => plan.Dispose();
    }

    private sealed record TableBiasReference(HostTensor Table) : ModifierReference
    {
        public override HostTensor Floats => Table;

        public override (double Score, double Magnitude) Modify(double score, int b, int h, int i, int j, int aligned)
        {
            int back = j > aligned ? 0 : aligned - j > Reach ? Reach : aligned - j;
            double bias = Table.Values[(h * (Reach + 1)) + back];
            return (score + bias, Math.Abs(score) + Math.Abs(bias));
        }
    }

    private sealed record DilatedReference(HostTensor Table) : ModifierReference
    {
        public override HostTensor Ints => Table;

        public override bool Hides(int b, int h, int i, int j, int aligned) =>
            Math.Abs(aligned - j) % Step != 0 || Table.Values[(b * Table.Shape[1]) + j] == i % 2;
    }

    private sealed record LogReference : ModifierReference
    {
        public override double Slope => Math.Abs(Factor);

        public override (double Score, double Magnitude) Modify(double score, int b, int h, int i, int j, int aligned)
        {
            double bias = CasePlan.Slope * Math.Log(1.0 + Math.Abs(aligned - j));
            return ((Factor * score) - bias, Math.Abs(Factor * score) + bias + CasePlan.Slope);
        }
    }
}
