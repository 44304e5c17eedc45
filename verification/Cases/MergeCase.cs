namespace AttnKernels.Verification;

/// <summary>Random parts, of which some saw no key: their log-sum-exp is -inf and their O is NaN. Every seventh row has no other.</summary>
/// <param name="Problem">What is merged.</param>
/// <param name="Options">Placement of the parts and of O; Logits spreads the log-sum-exps.</param>
/// <param name="Name">Says the sizes and features.</param>
/// <param name="Size">Where it runs.</param>
public sealed record MergeCase(MergeProblem Problem, CaseOptions Options, string Name, CaseSize Size)
    : VerificationCase("merge", Name, Problem.Type, Size)
{
    private protected override CaseResult Execute(AttentionDevice device)
    {
        MergeProblem p = Problem;
        Seeded random = Random();
        using MergePlan plan = device.Plan(p);
        int rows = p.Batch * p.Heads * p.Seq;
        HostTensor o = random.Normals(0, p.PartType, 1, p.Parts * p.Batch, p.Heads, p.Seq, p.HeadDim);
        HostTensor lse = random.Normals(1, DType.Float32, Options.Logits, p.Parts * p.Batch, p.Heads, p.Seq);
        for (int n = 0; n < lse.Values.Length; n++)
        {
            if (n % rows % 7 != 3 && random.Uniform(2, n) >= 0.2) continue;
            lse.Values[n] = float.NegativeInfinity;
            o.Values.AsSpan(n * p.HeadDim, p.HeadDim).Fill(float.NaN);
        }
        if (Options.VisibleNaN)
        {
            // Of a row with other parts, and of one without, where its O is NaN, too.
            lse.Values[0] = float.NaN;
            if (rows > 3) lse.Values[3] = float.NaN;
        }
        using PlacedTensor partsO = PlacedTensor.Input(device, o, Options.Placement),
            partsLse = PlacedTensor.Input(device, lse, Placement.Dense);
        using PlacedTensor output = PlacedTensor.Output(device, p.Type, Options.Placement, p.Batch, p.Heads, p.Seq, p.HeadDim);
        using PlacedTensor? merged = p.Lse ? PlacedTensor.Output(device, DType.Float32, Placement.Dense, p.Batch, p.Heads, p.Seq) : null;
        plan.Run(new MergeTensors
        {
            PartsO = partsO.View,
            PartsLse = partsLse.ViewOfRank(3),
            O = output.View,
            Lse = merged?.ViewOfRank(3) ?? default,
        });
        device.Synchronize();

        (Expected expected, Expected expectedLse) = MergeReferences.Merge(o, lse, p.Batch, p.Type);
        Comparison[] comparisons = merged is null
            ? [Comparison.Of(expected, output.Read())]
            : [Comparison.Of(expected, output.Read()), Comparison.Of(expectedLse, merged.Read())];
        return Judge(plan.Explain(), comparisons, 0,
            [output.Damage(true), merged?.Damage(true), partsO.Damage(false), partsLse.Damage(false)]);
    }
}

/// <summary>The cases of merging: part counts around the unrolled loops, rows that vectors do not fill, every pair of types.</summary>
internal static class MergeCases
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in Types)
        {
            MergeProblem p = new() { Type = type, Parts = 2, Batch = 2, Heads = 3, Seq = 5, HeadDim = 64, Lse = true };
            yield return Case(p, new CaseOptions());
            yield return Case(p with { Parts = 5, HeadDim = 37, Seq = 70, Heads = 1 }, new CaseOptions { Logits = 50 });
            yield return Case(p with { Parts = 8, HeadDim = 20, PartType = DType.Float32 },
                new CaseOptions { Placement = Placement.SequenceFirst });
            foreach (int parts in (int[])[1, 3, 9])
                yield return Case(p with { Parts = parts, HeadDim = 5 }, new CaseOptions { VisibleNaN = true });
            yield return Case(p with { Parts = 1, HeadDim = 1, Lse = false }, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(p with { Parts = 67, Batch = 1, Heads = 2, Seq = 3, HeadDim = 40 }, new CaseOptions { Logits = 10 });
            yield return Case(p with { Parts = 3, HeadDim = 129, Type = DType.Float32, PartType = type, Lse = false },
                new CaseOptions { Logits = 10 });
        }
    }

    private static MergeCase Case(MergeProblem p, CaseOptions options) => new(p, options,
        $"{p.Parts} parts b{p.Batch} h{p.Heads} s{p.Seq} d{p.HeadDim}"
        + $"{(p.PartType == p.Type ? "" : $" of {p.PartType}")}{(p.Lse ? " lse" : "")} "
        + $"x{options.Logits} {options.Placement.Name}{(options.VisibleNaN ? " visible-nan" : "")}", CaseSize.Tiny);
}
