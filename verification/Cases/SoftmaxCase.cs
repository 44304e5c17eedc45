namespace AttnKernels.Verification;

/// <summary>Softmax, log-softmax or scores of random logits, NaN where a column is hidden.</summary>
/// <param name="Problem">What is computed.</param>
/// <param name="Options">What the data looks like.</param>
/// <param name="Name">Says the sizes and features.</param>
/// <param name="Size">Where it runs.</param>
public sealed record SoftmaxCase(SoftmaxProblem Problem, CaseOptions Options, string Name, CaseSize Size)
    : VerificationCase(Problem.Log ? "log-softmax" : Problem.Scores ? "scores" : "softmax", Name, Problem.Type, Size)
{
    private protected override CaseResult Execute(AttentionDevice device)
    {
        SoftmaxProblem p = Problem;
        Seeded random = Random();
        using SoftmaxPlan plan = device.Plan(p);
        using ScoreData score = ScoreData.Create(device, p, Options, random);
        HostTensor x = random.Normals(0, p.Type, Options.Logits, p.Batch, p.Heads, p.Rows, p.Columns);
        if (Options.Rising)
            for (int row = 0; row < x.Values.Length; row += p.Columns)
                x.Values.AsSpan(row, p.Columns).Sort();
        PoisonHidden(x, score.Rule);
        if (Options.VisibleNaN) x.Values[0] = float.NaN;

        using PlacedTensor input = PlacedTensor.Input(device, x, Options.Placement);
        using PlacedTensor? separate = Options.InPlace
            ? null
            : PlacedTensor.Output(device, p.OutputType, Options.Placement, p.Batch, p.Heads, p.Rows, p.Columns);
        PlacedTensor output = separate ?? input;
        using PlacedTensor? lse = p.Lse ? PlacedTensor.Output(device, DType.Float32, Placement.Dense, p.Batch, p.Heads, p.Rows) : null;
        plan.Run(new SoftmaxTensors
        {
            X = input.View,
            Y = output.View,
            Lse = lse?.ViewOfRank(3) ?? default,
            Mask = score.Mask,
            Bias = score.Bias,
            KeyLengths = score.KeyLengths,
            AlibiSlopes = score.AlibiSlopes,
            Sinks = score.Sinks,
            HeadScales = score.HeadScales,
            DocumentsQ = score.DocumentsQ,
            DocumentsKv = score.DocumentsKv,
            BlockMask = score.BlockMask,
        });
        device.Synchronize();

        int[]? rows = Sample(p.Batch * p.Heads * p.Rows);
        ExpectedSoftmax expected = References.Softmax(x, score.Rule, p.Log, p.OutputType, rows, p.Scores);
        float[] result = output.Read();
        List<Comparison> comparisons = [Comparison.Of(expected.Y, result)];
        if (lse is not null) comparisons.Add(Comparison.Of(expected.Lse, lse.Read()));
        double againstPlain = PlainRule.Ratio(expected.Y, result, Plain.Softmax(x, score.Rule, p.Log, p.OutputType, p.Scores, rows));
        return Judge(plan.Explain(), comparisons, againstPlain,
            [output.Damage(true), separate is null ? null : input.Damage(false), lse?.Damage(true), .. score.Damages()]);
    }

    private static void PoisonHidden(HostTensor x, ScoreRule rule)
    {
        ScoreRule hiding = rule with { Bias = null };
        (int heads, int rows, int columns) = (x.Shape[1], x.Shape[2], x.Shape[3]);
        for (int n = 0; n < x.Values.Length; n++)
            if (!hiding.Sees(n / columns / rows / heads, n / columns / rows % heads, n / columns % rows, n % columns, rows, columns))
                x.Values[n] = float.NaN;
    }
}
