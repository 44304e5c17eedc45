namespace AttnKernels.Verification;

/// <summary>
/// Weights of chosen rows after a fused run: every score form, every way to store keys, sequences, rings, rows that turn, score modifiers,
/// and more keys than one work item or group has.
/// </summary>
internal static class WeightsCases
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    public static IEnumerable<VerificationCase> Tiny()
    {
        AttentionProblem small = new() { Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 9, SeqKv = 21, HeadDim = 8, Lse = true };
        foreach ((AttentionProblem problem, CaseOptions options) in AttentionCases.Features(small))
            yield return Case(problem with { Lse = true }, options);
        foreach (DType type in Types)
        {
            AttentionProblem p = small with
            {
                Type = type,
                HeadsQ = 2,
                HeadsKv = 1,
                SeqQ = 17,
                SeqKv = 530,
                HeadDim = 41,
                KeyLengths = true,
                Causal = CausalMask.BottomRight,
            };
            yield return Case(p, new CaseOptions { EmptyBatch = true });
            yield return Case(p with { WindowLeft = 300, KvType = DType.Int8 }, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(AttentionCases.Paged(p with { KvType = DType.Float16, HeadDim = 64 }, 32), new CaseOptions { Logits = 50 });
            yield return Case(p with { Blocks = new BlockSparsity(1, 256), Documents = true }, new CaseOptions());

            // Lengths and rows of each entry's own.
            AttentionProblem entries = p with { Batch = 3, HeadsQ = 4, HeadsKv = 2, SeqKv = 301, WindowLeft = 200 };
            yield return Case(entries with { KeyLengths = false, Packed = new PackedSequences(40, 700) }, new CaseOptions());
            yield return Case(
                entries with { KvType = DType.Int8, Packed = new PackedSequences(40, 700), Alibi = true, Mask = true },
                new CaseOptions());
            yield return Case(
                AttentionCases.Paged(entries with { Packed = new PackedSequences(40, null), Sinks = true }, 16), new CaseOptions());
            yield return Case(entries with { Kv = KvLayout.Ring, Mask = true }, new CaseOptions { EmptyBatch = true });
            yield return Case(
                entries with { Kv = KvLayout.Ring, KvType = DType.Float16, Causal = CausalMask.At(400), HeadDim = 300 },
                new CaseOptions());

            // Rows that change before they are compared.
            foreach (bool isInterleaved in (bool[])[false, true])
            {
                AttentionProblem rotary = entries with { Rotary = new RotaryForm(36, 3 * p.SeqKv, isInterleaved) };
                yield return Case(rotary with { HeadDim = 64 }, new CaseOptions { Placement = Placement.OddLines });
                yield return Case(rotary with { Kv = KvLayout.Ring, KvType = DType.Int8 }, new CaseOptions());
                yield return Case(rotary with
                {
                    Packed = new PackedSequences(40, 700),
                    Rotary = new RotaryForm(40, 70, isInterleaved, true),
                    Similarity = Similarity.Cosine,
                }, new CaseOptions());
            }
            yield return Case(p with { Similarity = Similarity.Cosine, HeadScales = true }, new CaseOptions { Logits = 50 });

            // Score modifiers.
            foreach (CaseModifier modifier in Enum.GetValues<CaseModifier>().Skip(1))
                yield return Case(p with { Mask = true, Softcap = 9 }, new CaseOptions { Modifier = modifier });
            yield return Case(
                entries with { KeyLengths = false, Packed = new PackedSequences(40, 700) },
                new CaseOptions { Modifier = CaseModifier.DilatedWindow });
            yield return Case(entries with { Kv = KvLayout.Ring }, new CaseOptions { Modifier = CaseModifier.LogBias });
        }
    }

    private static AttentionCase Case(AttentionProblem problem, CaseOptions options)
    {
        CaseOptions chosen = options with { WeightRows = 5 };
        return new AttentionCase(problem, chosen, CaseNames.Of(problem, chosen), CaseSize.Tiny);
    }
}
