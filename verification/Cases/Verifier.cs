namespace AttnKernels.Verification;

/// <summary>The case set and its runner: what the tests, <c>attn verify</c> and the benchmark's check before timing use.</summary>
public static class Verifier
{
    /// <summary>Every case, small ones first; names are unique.</summary>
    public static IReadOnlyList<VerificationCase> Cases { get; } =
    [
        .. MatmulCases.Tiny(), .. SoftmaxCases.Tiny(), .. AttentionCases.Tiny(), .. CacheCases.Tiny(), .. MergeCases.Tiny(),
        .. DecodeCases.Tiny(), .. WeightsCases.Tiny(), .. WideTileCases.Tiny(), .. WideTileCases.LookedUp(),
        .. SharedTileCases.Tiny(), .. WideHeadCases.Of(CaseSize.Tiny), .. TracedCases.Of(CaseSize.Tiny),
        .. Tf32Cases.Of(CaseSize.Tiny), .. Tf32Cases.Matmuls(CaseSize.Tiny),
        .. MatmulCases.LargeTiles(), .. MatmulCases.Normal(), .. SoftmaxCases.Normal(), .. AttentionCases.Normal(),
        .. WideHeadCases.Of(CaseSize.Normal), .. TracedCases.Of(CaseSize.Normal),
        .. Tf32Cases.Of(CaseSize.Normal), .. Tf32Cases.Matmuls(CaseSize.Normal),
    ];

    /// <summary>The largest cases that <paramref name="device"/> runs in reasonable time.</summary>
    public static CaseSize SizeFor(DeviceInfo device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.ChecksOnly ? CaseSize.Tiny : CaseSize.Normal;
    }

    /// <summary>
    /// The cases up to <paramref name="size"/> whose title contains every word of <paramref name="filter"/> (words apart by spaces,
    /// alternatives by commas; null or empty = all). "attention float16 causal, matmul" are fp16 causal attention and all of matmul.
    /// </summary>
    public static IEnumerable<VerificationCase> Select(string? filter, CaseSize size) => Filter(Cases.Where(c => c.Size <= size), filter);

    private static IEnumerable<VerificationCase> Filter(IEnumerable<VerificationCase> cases, string? filter)
    {
        string[][] alternatives = (filter ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(words => words.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        return cases.Where(c => alternatives.Length == 0 || alternatives.Any(words => words.All(word => Matches(c, word))));
    }

    /// <summary>What <see cref="Run"/> runs on <paramref name="device"/>; parameters as there.</summary>
    public static IEnumerable<VerificationCase> For(
        DeviceInfo device, string? filter = null, CaseSize? size = null, CaseSet set = CaseSet.Standard)
    {
        ArgumentNullException.ThrowIfNull(device);
        CaseSize largest = size ?? SizeFor(device);
        IEnumerable<VerificationCase> cases = set == CaseSet.Pairs ? [] : Select(filter, largest);
        if (set != CaseSet.Standard && largest == CaseSize.Normal)
            cases = cases.Concat(Filter(PairwiseSet.Problems().Select(p => p.Case), filter));
        return cases.Where(c => !c.NeedsKernels || device.Kind != DeviceKind.Cpu);
    }

    /// <summary>Runs the cases that <see cref="Select"/> gives for <paramref name="device"/>, one after the other.</summary>
    /// <param name="device">Where they run.</param>
    /// <param name="filter">See <see cref="Select"/>.</param>
    /// <param name="progress">Receives each result as it comes.</param>
    /// <param name="size">Null: what <see cref="SizeFor"/> says.</param>
    /// <param name="set">Which cases.</param>
    /// <param name="cancel">Stops between two cases.</param>
    public static VerificationReport Run(
        AttentionDevice device, string? filter = null, IProgress<CaseResult>? progress = null, CaseSize? size = null,
        CaseSet set = CaseSet.Standard, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Run(device, For(device.Info, filter, size, set), progress, cancel);
    }

    /// <summary>
    /// Runs <paramref name="cases"/>, one after the other, until one of them loses the device; other parameters as above.
    /// </summary>
    public static VerificationReport Run(
        AttentionDevice device, IEnumerable<VerificationCase> cases, IProgress<CaseResult>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(cases);
        List<CaseResult> results = [];
        foreach (VerificationCase verification in cases)
        {
            cancel.ThrowIfCancellationRequested();
            CaseResult result = verification.Run(device);
            results.Add(result);
            progress?.Report(result);
            if (result.LostDevice) break;
        }
        return new VerificationReport(device.Name, results);
    }

    /// <summary>
    /// Part <paramref name="part"/> of <paramref name="count"/>, counted from 1, of cases of one operation and type as far as may be, for
    /// the parts to need different kernels.
    /// </summary>
    public static IReadOnlyList<VerificationCase> Part(IEnumerable<VerificationCase> cases, int part, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(part);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(part, count);
        VerificationCase[] all = [.. cases.OrderBy(c => c.Operation, StringComparer.Ordinal).ThenBy(c => c.Type)];
        return all[(int)((long)all.Length * (part - 1) / count)..(int)((long)all.Length * part / count)];
    }

    /// <summary>A whole word of the title, or, of an operation, its name: "softmax" is not "log-softmax".</summary>
    private static bool Matches(VerificationCase c, string word) =>
        Array.Exists(c.Title.Split(' '), part => part.Equals(word, StringComparison.OrdinalIgnoreCase)
            || (part != c.Operation && part.StartsWith(word, StringComparison.OrdinalIgnoreCase)));
}

/// <summary>Which cases run.</summary>
public enum CaseSet
{
    /// <summary><see cref="Verifier.Cases"/>.</summary>
    Standard,

    /// <summary><see cref="PairwiseSet"/>.</summary>
    Pairs,

    /// <summary>Both.</summary>
    Full,
}

/// <summary>The results of a run.</summary>
/// <param name="Device">Name of the device.</param>
/// <param name="Results">In the order in which the cases ran.</param>
public sealed record VerificationReport(string Device, IReadOnlyList<CaseResult> Results)
{
    /// <summary>Cases within their bounds.</summary>
    public int Passed => Results.Count(r => r.Outcome == Outcome.Passed);

    /// <summary>Cases that are wrong.</summary>
    public int Failed => Results.Count(r => r.Outcome == Outcome.Failed);

    /// <summary>Cases that the device has no kernel for.</summary>
    public int Unsupported => Results.Count(r => r.Outcome == Outcome.Unsupported);

    /// <summary>"N passed, M failed, K unsupported".</summary>
    public string Summary => $"{Passed} passed, {Failed} failed, {Unsupported} unsupported";
}
