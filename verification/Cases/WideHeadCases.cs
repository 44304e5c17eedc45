namespace AttnKernels.Verification;

/// <summary>
/// Heads wider than any tile of FlashForward, which takes them in chunks of 256 columns, and few queries of them, which FlashDecode takes:
/// chunks that are full, cut, and of a single column, of K, of V or of both; every source of keys and kind of score.
/// </summary>
internal static class WideHeadCases
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    public static IEnumerable<VerificationCase> Of(CaseSize size)
    {
        bool isTiny = size == CaseSize.Tiny;
        foreach (DType type in Types)
        {
            AttentionProblem p = new()
            {
                Type = type, Batch = 1, HeadsQ = 2, HeadsKv = 1,
                SeqQ = isTiny ? 17 : 65, SeqKv = isTiny ? 35 : 301, HeadDim = 300, Lse = true,
            };
            yield return Case(p with { HeadDim = 512, Causal = CausalMask.BottomRight });
            yield return Case(p with { HeadDim = 257, HeadDimV = 257 }, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(p with
            {
                HeadDim = 576,
                HeadDimV = 512,
                SeqQ = 9,
                Scale = 0.07f,
                WindowLeft = 20,
                Alignment = BandAlignment.BottomRight,
            });
            yield return Case(p with { HeadDim = 64, HeadDimV = 600, Lse = false, Causal = CausalMask.TopLeft });
            yield return Case(
                p with { HeadDim = 520, HeadDimV = 24, Mask = true, Bias = true, Softcap = 9, Sinks = true, KeyLengths = true });
            yield return Case(p with { Documents = true, Alibi = true, Alignment = BandAlignment.BottomRight });
            yield return Case(p with { HeadDim = 512, HeadDimV = 300 }, new CaseOptions { Logits = 10 });
            yield return Case(p with { Causal = CausalMask.TopLeft, WindowLeft = 5 }, new CaseOptions { VisibleNaN = true });
            yield return Case(AttentionCases.Paged(p with { HeadDim = 512, KeyLengths = true, KvType = DType.Int8 }, 16));
            yield return Case(AttentionCases.Paged(p with { HeadDimV = 515, Causal = CausalMask.BottomRight }, 8));
            yield return Case(p with { Batch = 2, HeadDim = 512, Packed = new PackedSequences(p.SeqQ + 9, p.SeqKv + 20) });
            yield return Case(p with { Batch = 2, HeadDim = 310, Kv = KvLayout.Ring, KeyLengths = true, Causal = CausalMask.BottomRight });
            yield return Case(p with { Similarity = Similarity.Cosine, HeadScales = true, KeyLengths = true },
                new CaseOptions { Logits = 50 });
            foreach (bool isInterleaved in (bool[])[false, true])
            {
                RotaryForm form = new(290, p.SeqKv + 9, isInterleaved);
                AttentionProblem rotary = p with { Causal = CausalMask.BottomRight, Rotary = form };
                yield return Case(rotary);
                RotaryForm wider = new(514, 50, isInterleaved, true);
                yield return Case(
                    AttentionCases.Paged(rotary with { HeadDim = 515, Rotary = wider, Similarity = Similarity.Cosine }, 8));
            }
            yield return Case(p with
            {
                Batch = 2,
                Kv = KvLayout.Ring,
                KeyLengths = true,
                KvType = DType.Int8,
                Causal = CausalMask.BottomRight,
                Rotary = new RotaryForm(64, 3 * p.SeqKv),
            });
            yield return Case(p with { HeadDim = 600, Causal = CausalMask.BottomRight },
                new CaseOptions { Modifier = CaseModifier.TableBias });

            // Few queries over more than a split.
            AttentionProblem few = p with
            {
                HeadsQ = 5,
                SeqQ = 1,
                SeqKv = isTiny ? 290 : 1300,
                HeadDim = 576,
                HeadDimV = 512,
                Scale = 0.07f,
            };
            yield return Case(few);
            yield return Case(few with { HeadsQ = 1, HeadDim = 1024, HeadDimV = 1000, KeyLengths = true });
            foreach (int heads in (int[])[1, 5])
            {
                yield return Case(few with { HeadsQ = heads, HeadDim = 300, Softcap = 9 });
                yield return Case(
                    AttentionCases.Paged(few with { HeadsQ = heads, KvType = DType.Int8, Mask = true, KeyLengths = true }, 32));
            }
            yield return Case(few with { HeadsQ = 2, HeadDim = 1025, HeadDimV = 40 });
        }

        AttentionCase Case(AttentionProblem problem, CaseOptions? given = null)
        {
            CaseOptions options = given ?? new CaseOptions();
            return new AttentionCase(problem, options, CaseNames.Of(problem, options), size);
        }
    }
}
