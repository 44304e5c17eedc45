namespace AttnKernels.Verification;

/// <summary>Rotary embedding of random rows by the angles of RoFormer, NaN in the rows of the tables that no token uses.</summary>
/// <param name="Problem">What is computed.</param>
/// <param name="Options">Placement and whether X and Y are the same memory.</param>
/// <param name="Name">Says the sizes and features.</param>
/// <param name="Size">Where it runs.</param>
public sealed record RotaryCase(RotaryProblem Problem, CaseOptions Options, string Name, CaseSize Size)
    : VerificationCase("rotary", Name, Problem.Type, Size)
{
    private protected override CaseResult Execute(AttentionDevice device)
    {
        RotaryProblem p = Problem;
        Seeded random = Random();
        using RotaryPlan plan = device.Plan(p);
        HostTensor x = random.Normals(0, p.Type, 1, p.Batch, p.Heads, p.Seq, p.HeadDim);
        int tokens = p.Batch * p.Seq, pairs = p.RotaryDim / 2;
        int[] rows = [.. Enumerable.Range(0, tokens).Select(n => p.HasPositions ? (int)(random.Uniform(1, n) * p.MaxPosition) : n)];
        int[] shape = p.HasPositions ? [p.MaxPosition, pairs] : [p.Batch, p.Seq, pairs];
        HostTensor cos = Table(p, shape, rows, Math.Cos), sin = Table(p, shape, rows, Math.Sin);

        using PlacedTensor input = PlacedTensor.Input(device, x, Options.Placement);
        using PlacedTensor? separate = Options.InPlace
            ? null
            : PlacedTensor.Output(device, p.Type, Options.Placement, p.Batch, p.Heads, p.Seq, p.HeadDim);
        PlacedTensor output = separate ?? input;
        using PlacedTensor cosines = PlacedTensor.Input(device, cos, Placement.Dense),
            sines = PlacedTensor.Input(device, sin, Placement.Dense);
        using PlacedTensor? positions = p.HasPositions
            ? PlacedTensor.Input(device, new HostTensor(DType.Int32, [.. rows.Select(row => (float)row)], p.Batch, p.Seq), Placement.Dense)
            : null;
        plan.Run(new RotaryTensors
        {
            X = input.View,
            Y = output.View,
            Cos = cosines.ViewOfRank(shape.Length),
            Sin = sines.ViewOfRank(shape.Length),
            Positions = positions?.ViewOfRank(2) ?? default,
        });
        device.Synchronize();

        Expected expected = CacheReferences.Rotary(x, cos, sin, rows, p.RotaryDim, p.Interleaved);
        return Judge(plan.Explain(), [Comparison.Of(expected, output.Read())], 0,
            [output.Damage(true), separate is null ? null : input.Damage(false), cosines.Damage(false), sines.Damage(false),
            positions?.Damage(false)]);
    }

    private static HostTensor Table(RotaryProblem p, int[] shape, int[] rows, Func<double, double> function)
    {
        int pairs = shape[^1];
        float[] values = new float[HostTensor.Count(shape)];
        Array.Fill(values, float.NaN);
        foreach (int row in rows)
            for (int k = 0; k < pairs; k++)
                values[(row * pairs) + k] = (float)function(row * Math.Pow(10000, -2.0 * k / p.RotaryDim));
        return new HostTensor(p.AngleType, values, shape);
    }
}
