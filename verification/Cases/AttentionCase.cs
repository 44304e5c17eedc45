namespace AttnKernels.Verification;

/// <summary>Attention of random Q, K, V with every key that nobody sees poisoned.</summary>
/// <param name="Problem">What is computed.</param>
/// <param name="Options">What the data looks like.</param>
/// <param name="Name">Says the sizes and features.</param>
/// <param name="Size">Where it runs.</param>
public sealed record AttentionCase(AttentionProblem Problem, CaseOptions Options, string Name, CaseSize Size)
    : VerificationCase(Problem.Weights ? "attention+weights" : "attention", Name, Problem.Type, Size)
{
    /// <summary>Gets a run on the case's tensors, finished on return, once the case has passed: for who times it.</summary>
    public Action<Action>? WhenPassed { get; init; }

    private protected override CaseResult Execute(AttentionDevice device)
    {
        AttentionProblem p = Problem;
        Seeded random = Random();
        using CasePlan plan = CasePlan.Create(device, p, Options.Modifier);
        using ScoreData score = ScoreData.Create(device, p, Options, random);
        HostTensor q = Options.Traced
            ? TracedKeys.Queries(p, score.Rule)
            : random.Normals(0, p.Type, Options.Logits, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim);
        using SequenceData sequences = new(device, p, score.Rule, random, Options.Lengths);
        using VectorData vectors = new(device, p, sequences, random);
        using KeyData keys = new(device, p, sequences, random);
        HostTensor k = keys.Draw(1, p.HeadDim, Options.Traced);
        HostTensor v = keys.Draw(2, p.HeadDimV, Options.Traced);
        PoisonHidden(p, k, v, sequences.Rule);
        if (Options.VisibleNaN) PoisonVisible(q, k, v);
        if (p.Similarity == Similarity.Cosine)
        {
            // Rows without a direction.
            q.Values.AsSpan(0, p.HeadDim).Clear();
            k.Values.AsSpan(k.Values.Length / 2 / p.HeadDim * p.HeadDim, p.HeadDim).Clear();
        }

        using QkvTensors inputs = new(device, sequences.Store(q), keys.Store(device, 1, k), keys.Store(device, 2, v), Options);
        using PlacedTensor o = PlacedTensor.Output(device, p.Type, Options.Placement, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDimV);
        using PlacedTensor? lse = p.Lse ? PlacedTensor.Output(device, DType.Float32, Placement.Dense, p.QueryBatch, p.HeadsQ, p.QueryRows)
            : null;
        using PlacedTensor? weights = p.Weights
            ? PlacedTensor.Output(device, DType.Float32, Placement.Dense, p.Batch, p.HeadsQ, p.SeqQ, p.SeqKv)
            : null;
        AttentionTensors tensors = new()
        {
            Q = inputs.Q,
            K = inputs.K,
            V = inputs.V,
            O = o.View,
            Lse = lse?.ViewOfRank(3) ?? default,
            Weights = weights?.View ?? default,
            Mask = score.Mask,
            Bias = score.Bias,
            KeyLengths = score.KeyLengths,
            AlibiSlopes = score.AlibiSlopes,
            Sinks = score.Sinks,
            HeadScales = score.HeadScales,
            DocumentsQ = score.DocumentsQ,
            DocumentsKv = score.DocumentsKv,
            BlockMask = score.BlockMask,
            RuleFloats = score.RuleFloats,
            RuleInts = score.RuleInts,
            BlockTable = keys.BlockTable,
            KScales = keys.KScales,
            VScales = keys.VScales,
            StartsQ = sequences.StartsQ,
            StartsKv = sequences.StartsKv,
            Cos = vectors.Cos,
            Sin = vectors.Sin,
            PositionsQ = vectors.PositionsQ,
            PositionsKv = vectors.PositionsKv,
        };
        using DeviceTensor? all = Options.AfterLonger ? device.Upload(Enumerable.Repeat(p.SeqKv, p.Batch).ToArray(), p.Batch) : null;
        if (all is not null) plan.Run(tensors with { KeyLengths = all });
        plan.Run(tensors);
        using ChosenRows? chosen = Options.WeightRows > 0 ? new ChosenRows(device, plan, p, Options, sequences.Rule, random) : null;
        chosen?.Run(tensors);
        device.Synchronize();

        int[]? rows = sequences.Existing(Sample(p.Batch * p.HeadsQ * p.SeqQ));
        ExpectedAttention expected = vectors.Rule is { } changes
            ? References.Attention(q, k, v, sequences.Rule, changes, vectors.OfQuery, vectors.OfKey, rows)
            : References.Attention(q, k, v, sequences.Rule, p.Weights, rows, p.InputPrecision);
        string? stray = sequences.Stray(o.Read(), p.HeadDimV) ?? (lse is null ? null : sequences.Stray(lse.Read(), 1));
        float[] result = sequences.Padded(o.Read(), p.HeadDimV);
        List<Comparison> comparisons = [Comparison.Of(expected.O, result)];
        if (lse is not null) comparisons.Add(Comparison.Of(expected.Lse, sequences.Padded(lse.Read(), 1)));
        if (weights is not null) comparisons.Add(Comparison.Of(expected.P!, weights.Read()));
        if (chosen is not null)
        {
            comparisons.Add(Comparison.Of(
                vectors.Rule is { } changed
                    ? WeightReferences.Of(q, k, sequences.Rule, chosen.Rows, changed, vectors.OfQuery, vectors.OfKey)
                    : WeightReferences.Of(q, k, sequences.Rule, chosen.Rows, p.InputPrecision),
                chosen.Read()));
        }
        double againstPlain = vectors.Rule is null ? PlainRule.Ratio(expected.O, result, Plain.Attention(q, k, v, sequences.Rule, rows))
            : 0;
        CaseResult judged = Judge(plan.Explain(), comparisons, againstPlain,
            [stray, o.Damage(true), lse?.Damage(true), weights?.Damage(true), .. inputs.Damages(), .. keys.Damages(),
                .. sequences.Damages(), .. vectors.Damages(), .. score.Damages(), .. chosen?.Damages() ?? []]);
        if (judged.Outcome == Outcome.Passed) WhenPassed?.Invoke(RunAgain);
        return judged;

        void RunAgain()
        {
            plan.Run(tensors);
            device.Synchronize();
        }
    }

    /// <summary>NaN in every key and value that no query sees.</summary>
    private static void PoisonHidden(AttentionProblem problem, HostTensor k, HostTensor v, ScoreRule rule)
    {
        int group = problem.HeadsQ / problem.HeadsKv;
        for (int at = 0; at < k.Values.Length / problem.HeadDim; at++)
        {
            (int b, int head, int j) = (at / problem.SeqKv / problem.HeadsKv, at / problem.SeqKv % problem.HeadsKv, at % problem.SeqKv);
            if (IsSeen(b, head, j)) continue;
            k.Values.AsSpan(at * problem.HeadDim, problem.HeadDim).Fill(float.NaN);
            v.Values.AsSpan(at * problem.HeadDimV, problem.HeadDimV).Fill(float.NaN);
        }

        bool IsSeen(int b, int head, int j)
        {
            for (int h = head * group; h < (head + 1) * group; h++)
                for (int i = 0; i < problem.SeqQ; i++)
                    if (rule.Sees(b, h, i, j, problem.SeqQ, problem.SeqKv)) return true;
            return false;
        }
    }

    private void PoisonVisible(HostTensor q, HostTensor k, HostTensor v)
    {
        q.Values[^1] = float.NaN;
        k.Values[^Problem.HeadDim] = float.NaN;
        v.Values[0] = float.NaN;
    }
}
