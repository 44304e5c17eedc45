using System.Reflection;
using System.Runtime.Loader;

namespace AttnKernels.Verification;

/// <summary>The library and its verification once more, over kernels with a fault in them, beside those of the process.</summary>
internal sealed class MutantContext : AssemblyLoadContext
{
    private static readonly string[] Reloaded = [KernelSources.Simd, KernelSources.Kernels, "AttnKernels", "AttnKernels.Verification"];

    private readonly Dictionary<string, Assembly> compiled = [];

    /// <summary>A context that can be dropped when the mutant has been judged.</summary>
    public MutantContext() : base(isCollectible: true)
    {
    }

    /// <summary>Takes a compiled assembly in place of the one on disk.</summary>
    public void Add(string name, (MemoryStream Assembly, MemoryStream Symbols) image) =>
        compiled.Add(name, LoadFromStream(image.Assembly, image.Symbols));

    /// <summary>Runs the case set; see <see cref="MutantTrial.FirstFailure"/>.</summary>
    public string[]? FirstFailure(string device, string likely, string? among, string? only, CancellationToken cancel)
    {
        Assembly verification = LoadFromAssemblyName(new AssemblyName("AttnKernels.Verification"));
        return verification.GetType(typeof(MutantTrial).FullName!, throwOnError: true)!
            .GetMethod(nameof(MutantTrial.FirstFailure))!
            .CreateDelegate<Func<string, string, string?, string?, CancellationToken, string[]?>>()(device, likely, among, only, cancel);
    }

    /// <summary>The library, the kernels and the verification anew; everything else is the process's own.</summary>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string name = assemblyName.Name!;
        if (compiled.TryGetValue(name, out Assembly? mutated)) return mutated;
        return Reloaded.Contains(name) ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, name + ".dll")) : null;
    }
}

/// <summary>The part that runs inside a <see cref="MutantContext"/>; what it takes and returns is known outside, too.</summary>
internal static class MutantTrial
{
    /// <summary>
    /// Title and detail of the first case that fails, those of <paramref name="likely"/> first; null if all pass. Of the cases that the
    /// filter <paramref name="among"/> takes, or of the one with the title <paramref name="only"/>.
    /// </summary>
    public static string[]? FirstFailure(string device, string likely, string? among, string? only, CancellationToken cancel)
    {
        using AttentionDevice opened = AttentionDevice.Open(device);
        VerificationCase[] all = [.. Verifier.For(opened.Info, among)];
        VerificationCase[] first = [.. Verifier.For(opened.Info, likely).Intersect(all)];
        foreach (VerificationCase verification in first.Concat(all.Except(first)).Where(c => only is null || c.Title == only))
        {
            cancel.ThrowIfCancellationRequested();
            CaseResult result = verification.Run(opened);
            if (result.Outcome == Outcome.Failed) return [verification.Title, result.Detail];
        }
        return null;
    }
}
