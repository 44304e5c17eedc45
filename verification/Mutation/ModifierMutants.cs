namespace AttnKernels.Verification;

/// <summary>Faults around the user's own score rule, of both kinds of kernels.</summary>
internal static class ModifierMutants
{
    private const string User = "kernels/Policies/UserScore.cs";
    private const string Simd = "kernels/Simd/ScoreModifier.cs";
    private const string SimdRules = "kernels/Simd/Attention/ScoreRules.cs";
    private const string Scores = "kernels/Simd/Softmax/RowScores.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("rules.hidden-keys-are-asked", User, "if (score == float.NegativeInfinity) return score;", "",
            "the rule makes a key that a bias hides visible", "attention float32 rule-LogBias"),
        new("rules.diagonal-is-the-query", User, "Aligned = row.Aligned }", "Aligned = row.I }",
            "the rule sees the query's index as its position", "attention float32 rule"),
        new("rules.head-of-query-0", User, "Head = row.H,", "Head = 0,", "every head is the first", "attention float32 rule-TableBias"),
        new("rules.batch-0", User, "Batch = row.B,", "Batch = 0,", "every batch entry is the first",
            "attention float32 rule-DilatedWindow"),
        new("rules.table-without-its-last", User, "index < IntCount ?", "index < IntCount - 1 ?",
            "the last integer is outside", "attention float32 rule-DilatedWindow"),

        new("scores.softmaxed", "kernels/Softmax/FusedSoftmax.cs", "if (TScore.IsGeneral && args.IsScores != 0) y = s;", "",
            "scores are softmaxed", "scores float32"),
        new("simd.scores-hidden-is-zero", "kernels/Simd/Softmax/RowSoftmax.cs", "args.Log || args.Scores ? float.NegativeInfinity : 0;",
            "args.Log ? float.NegativeInfinity : 0;", "columns outside the band have the score 0", "scores float32"),
        new("simd.scores-nan-spreads", "kernels/Simd/Softmax/RowSoftmax.cs", "if (float.IsNaN(l) && !args.Scores)", "if (float.IsNaN(l))",
            "one NaN makes all scores of its row NaN", "scores float32"),
        new("simd.rule-in-base-2", SimdRules, "count, at, Exp2.Ln2);", "count, at, 1);",
            "the rule sees base-2 scores", "attention float32 rule-TableBias q37"),
        new("simd.rule-of-first-lane", SimdRules, "tile.RowOf(plan, lane + r);\n            int first",
            "tile.RowOf(plan, lane);\n            int first",
            "all queries of a vector are the first", "attention float32 rule q37"),
        new("simd.rule-from-block-start", SimdRules, "Key = blockKey + first,", "Key = blockKey + band.First,",
            "keys of a window have their predecessors' indices", "attention float32 rule q37 window"),
        new("simd.rule-stops-early", SimdRules, "tile.End[lane + r] - blockKey) - first;", "tile.End[lane + r] - blockKey) - first - 1;",
            "the rule is not asked about the last key of a block", "attention float32 rule q37"),
        new("simd.rule-hidden-keys-are-asked", Simd, "if (!float.IsNegativeInfinity(*scores)) *scores", "*scores",
            "the rule makes a key that a bias hides visible", "attention float32 rule-LogBias"),
        new("simd.rule-key-stands-still", Simd, "scores += step, at.Key++)", "scores += step)",
            "every key of a stretch is the first", "attention float32 rule"),
        new("simd.rule-not-for-few-queries", Scores, "if (rules.Modifier.IsPresent)", "if (rules.Modifier.IsPresent && columns < 0)",
            "no rule for few queries and in the softmax", "attention float32 rule q1"),
        new("simd.rule-row-diagonal", Scores, "Key = from, Aligned = row + shift }", "Key = from, Aligned = row }",
            "the rule sees the query's index as its position", "attention float32 rule q1"),
        new("simd.rule-of-first-sequence", "kernels/Simd/Args.cs", "        one.Modifier.Batch = b;\n", "",
            "every packed sequence is the first batch entry", "attention rule packed, attention rule ring"),
        new("simd.rule-table-without-its-last", Simd, "(uint)index < (uint)IntCount ?", "(uint)index < (uint)IntCount - 1 ?",
            "the last integer is outside", "attention float32 rule-DilatedWindow"),
    ];
}
