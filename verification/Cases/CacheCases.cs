using static AttnKernels.DType;

namespace AttnKernels.Verification;

/// <summary>The cases of rotary embedding and cache append: small for every device, there is nothing in them that size brings
/// out.</summary>
internal static class CacheCases
{
    private static readonly DType[] Types = [Float32, Float16, DType.BFloat16];

    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in Types)
        {
            foreach (bool interleaved in (bool[])[false, true])
            {
                RotaryProblem p = new() { Type = type, Batch = 2, Heads = 3, Seq = 17, HeadDim = 40, Interleaved = interleaved };
                yield return Rotary(p, new CaseOptions());
                yield return Rotary(p with { MaxPosition = 50, RotaryDim = 26 }, new CaseOptions { Placement = Placement.SequenceFirst });
                yield return Rotary(p with { MaxPosition = 9, HeadDim = 15, RotaryDim = 14, AngleType = Float32 },
                    new CaseOptions { InPlace = true });
                yield return Rotary(p with { RotaryDim = 2 }, new CaseOptions { Placement = Placement.OddLines });
            }
            CacheAppendProblem append = new() { Type = type, Batch = 3, Heads = 2, Capacity = 37, Rows = 5, HeadDim = 15 };
            yield return Append(append, new CaseOptions());
            yield return Append(append with { Starts = true }, new CaseOptions { Placement = Placement.OddLines });
            yield return Append(append with { Starts = true, Kv = KvLayout.Ring, Rows = 36 },
                new CaseOptions { Placement = Placement.SequenceFirst });
            CacheAppendProblem paged = append with { Starts = true, Kv = KvLayout.Paged(8, 20) };
            yield return Append(paged, new CaseOptions());
            yield return Append(paged with { Rows = 30, Kv = KvLayout.Paged(1, 100) }, new CaseOptions { Placement = Placement.OddLines });
            foreach (DType stored in (DType[])[.. Types, Int8])
            {
                if (stored == type) continue;
                yield return Append(paged with { CacheType = stored }, new CaseOptions());
                yield return Append(
                    append with { Starts = true, Kv = KvLayout.Ring, HeadDim = 65, Rows = 30, CacheType = stored },
                    new CaseOptions { Placement = Placement.OddLines });
                yield return Append(
                    append with { Rows = 30, HeadDim = 257, CacheType = stored }, new CaseOptions { Placement = Placement.SequenceFirst });
            }
            yield return Append(append with { Rows = 37, HeadDim = 64 }, new CaseOptions());
        }
    }

    private static RotaryCase Rotary(RotaryProblem p, CaseOptions options) => new(p, options,
        $"b{p.Batch} h{p.Heads} s{p.Seq} d{p.HeadDim}:{p.RotaryDim} {(p.Interleaved ? "neighbours" : "halves")} "
        + $"positions={p.MaxPosition} {options.Placement.Name}"
        + (options.InPlace ? " inplace" : "") + (p.AngleType == p.Type ? "" : $" angles-{p.AngleType}"), CaseSize.Tiny);

    private static CacheAppendCase Append(CacheAppendProblem p, CaseOptions options) => new(p, options,
        $"b{p.Batch} h{p.Heads} {p.Rows} of {p.Capacity} d{p.HeadDim} {p.Kv}"
                + $"{(p.CacheType == p.Type ? "" : $" to-{p.CacheType}")}{(p.Starts ? " starts" : "")} {options.Placement.Name}",
        CaseSize.Tiny);
}
