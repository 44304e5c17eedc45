namespace AttnKernels.Verification;

/// <summary>
/// Whether the case set sees faults: each <see cref="Mutant"/> is compiled in memory and judged by the cases, until one fails. Nothing of
/// the product changes, on disk or in this process.
/// </summary>
public sealed class MutationScore
{
    private readonly Lazy<KernelSources> simd;
    private readonly Lazy<KernelSources> kernels;
    private readonly Lazy<MutantContext> unmutated;
    private readonly HashSet<(string Device, string Case)> sound = [];

    /// <param name="root">The repository's root, see <see cref="FindRoot"/>.</param>
    public MutationScore(string root)
    {
        simd = new(() => new KernelSources(root, KernelSources.Simd));
        kernels = new(() => new KernelSources(root, KernelSources.Kernels));
        unmutated = new(() =>
        {
            MutantContext context = new();
            context.Add(KernelSources.Simd, simd.Value.Compile(null));
            context.Add(KernelSources.Kernels, kernels.Value.Compile(null));
            return context;
        });
    }

    /// <summary>Every mutant.</summary>
    public static IReadOnlyList<Mutant> Mutants { get; } =
        [.. AttentionMutants.All, .. ScoreFormMutants.All, .. ModifierMutants.All, .. KernelMutants.All, .. SimdMutants.All,
            .. MergeMutants.All, .. KeyMutants.All, .. TensorMutants.All, .. TensorMatmulMutants.All, .. Tf32Mutants.All,
            .. SharedTileMutants.All, .. DecodeMutants.All, .. WeightsMutants.All, .. WideHeadMutants.All];

    /// <summary>The repository that <paramref name="start"/> lies in; null if it lies in none.</summary>
    public static string? FindRoot(string start) => KernelSources.FindRoot(start);

    /// <summary>
    /// Judges one mutant. A case that fails counts only if it passes with the kernels as they are, compiled and run in the same way.
    /// </summary>
    /// <param name="mutant">The fault.</param>
    /// <param name="among">A filter of <see cref="Verifier.Select"/> for the cases that judge; null: all.</param>
    /// <param name="cancel">Stops between two cases.</param>
    public MutantResult Run(Mutant mutant, string? among = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(mutant);
        MutantContext context = new();
        try
        {
            context.Add(mutant.IsInSimd ? KernelSources.Simd : KernelSources.Kernels,
                (mutant.IsInSimd ? simd : kernels).Value.Compile(mutant));
            if (context.FirstFailure(mutant.Device, mutant.Likely, among, null, cancel) is not { } failure)
                return new MutantResult(mutant, Verdict.Survived, "", "every case passed");
            return Complaint(mutant.Device, failure[0], cancel) is { } complaint
                ? new MutantResult(mutant, Verdict.Invalid, failure[0], $"fails with the kernels as they are, too: {complaint}")
                : new MutantResult(mutant, Verdict.Killed, failure[0], failure[1]);
        }
        catch (InvalidOperationException e)
        {
            return new MutantResult(mutant, Verdict.Invalid, "", e.Message);
        }
        finally
        {
            context.Unload();
        }
    }

    /// <summary>What is wrong with a case when the kernels are as they are; null if nothing is.</summary>
    private string? Complaint(string device, string title, CancellationToken cancel)
    {
        if (sound.Contains((device, title))) return null;
        if (unmutated.Value.FirstFailure(device, "", null, title, cancel) is { } failure) return failure[1];
        sound.Add((device, title));
        return null;
    }
}
