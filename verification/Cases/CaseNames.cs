namespace AttnKernels.Verification;

/// <summary>Names of cases: sizes and features, in words that a filter can match.</summary>
internal static class CaseNames
{
    public static string Of(AttentionProblem p, CaseOptions options)
    {
        string heads = p.HeadsKv == p.HeadsQ ? $"h{p.HeadsQ}" : $"h{p.HeadsQ}:{p.HeadsKv}";
        string dim = p.HeadDimV == p.HeadDim ? $"d{p.HeadDim}" : $"d{p.HeadDim}:{p.HeadDimV}";
        string rotary = p.Rotary is { } r ? $"rotary-{r.RotaryDim}{(r.Interleaved ? "i" : "h")}{(r.Positions ? "-positions" : "")}" : "";
        return Join(
        [
            $"b{p.Batch} {heads} q{p.SeqQ} k{p.SeqKv} {dim}",
            p.Scale is { } scale ? $"scale={scale}" : "",
            p.InputPrecision == InputPrecision.Tf32x3 ? "tf32x3" : "",
            p.KvType == p.Type ? "" : $"keys-{p.KvType}",
            p.Kv.IsPaged ? $"paged-{p.Kv.BlockSize}" : p.Kv.IsRing ? "ring" : "",
            p.Similarity == Similarity.Cosine ? "cosine" : "",
            rotary,
            p.Packed is { } packed ? $"packed-{packed.TotalQ}{(packed.TotalKv is { } total ? $":{total}" : "")}" : "",
            .. Score(p, options),
        ]);
    }

    public static string Of(SoftmaxProblem p, CaseOptions options) => Join(
    [
        $"b{p.Batch} h{p.Heads} {p.Rows}x{p.Columns}",
        p.OutputType == p.Type ? "" : $"to {p.OutputType}",
        p.Scale == 1 ? "" : $"scale={p.Scale}",
        options.InPlace ? "inplace" : "",
        options.Rising ? "rising" : "",
        .. Score(p, options),
    ]);

    public static string Of(MatmulProblem p, Placement a, Placement b) => Join(
    [
        $"{p.M}x{p.N}x{p.K}",
        p.Batch0 * p.Batch1 == 1 ? "" : $"batch={p.Batch0}x{p.Batch1}",
        p.GroupB == 1 ? "" : $"group={p.GroupB}",
        (p.TransposeA ? "T" : "N") + (p.TransposeB ? "T" : "N"),
        p.InputPrecision == InputPrecision.Ieee ? "" : $"{p.InputPrecision}".ToLowerInvariant(),
        p.TypeB == p.TypeA && p.TypeC == p.TypeA ? "" : $"*{p.TypeB}->{p.TypeC}",
        p.Alpha == 1 ? "" : $"alpha={p.Alpha}",
        p.Beta == 0 ? "" : $"beta={p.Beta}",
        p.Bias ? $"bias-{p.BiasType}" : "",
        p.Activation == Activation.None ? "" : $"{p.Activation}",
        p.SkipZeroA ? "zero-hides" : "",
        p.Parts == 0 ? "" : $"parts={p.Parts}",
        a == Placement.Dense && b == Placement.Dense ? "" : $"{a.Name},{b.Name}",
    ]);

    private static IEnumerable<string> Score(ScoreProblem p, CaseOptions options)
    {
        if (p.Causal.Alignment is { } causal) yield return $"causal-{causal}";
        if (p.WindowLeft is not null || p.WindowRight is not null) yield return $"window({p.WindowLeft},{p.WindowRight})";
        if (p.Causal.Alignment is null && p.Alignment is { } alignment) yield return $"align-{alignment}";
        if (p.KeyLengths) yield return options.EmptyBatch ? "lengths-with-0" : "lengths";
        if (p.Mask) yield return $"mask[{Axes(options.MaskAxes)}]";
        if (p.Bias) yield return $"bias-{p.BiasType}[{Axes(options.BiasAxes)}]{(options.InfiniteBias ? "-inf" : "")}";
        if (p.Alibi) yield return options.AlibiPerBatch ? "alibi[bh]" : "alibi[h]";
        if (p.Softcap > 0) yield return $"softcap={p.Softcap}";
        if (p.HeadScales) yield return "head-scales";
        if (p.Documents) yield return $"documents{(options.SharedDocuments ? "[1]" : "")}{(options.MixedDocuments ? "-mixed" : "")}";
        if (p.Blocks is { } blocks) yield return $"blocks{blocks.QueryBlock}x{blocks.KeyBlock}[{Axes(options.BlockAxes)[..2]}]";
        if (p.Sinks) yield return "sinks";
        if (options.Modifier != CaseModifier.None) yield return $"rule-{options.Modifier}";
        if (p.Lse) yield return "lse";
        if (options.Packed) yield return "packed";
        if (options.Placement != Placement.Dense) yield return options.Placement.Name;
        if (options.Logits != 1) yield return $"logits=x{options.Logits}";
        if (options.Traced) yield return "traced";
        if (options.VisibleNaN) yield return "visible-nan";
        if (options.WeightRows > 0) yield return $"weights-of-{options.WeightRows}";
        if (options.AfterLonger) yield return "after-longer";
    }

    public static string Axes(Axes4 axes) => string.Concat(
        axes.HasFlag(Axes4.Batch) ? "b" : "1",
        axes.HasFlag(Axes4.Heads) ? "h" : "1",
        axes.HasFlag(Axes4.Queries) ? "q" : "1",
        axes.HasFlag(Axes4.Keys) ? "k" : "1");

    private static string Join(IEnumerable<string> parts) => string.Join(' ', parts.Where(part => part.Length > 0));
}
