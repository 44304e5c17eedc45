namespace AttnKernels.Verification;

/// <summary>One deliberate fault: a place in a kernel's source and what to write there instead.</summary>
/// <param name="Name">Names it in filters and reports: "area.fault".</param>
/// <param name="File">The source, relative to the repository's root, with slashes.</param>
/// <param name="Old">The text to replace; occurs exactly once in the file.</param>
/// <param name="New">What takes its place.</param>
/// <param name="What">The fault in words.</param>
/// <param name="Likely">A filter of <see cref="Verifier.Select"/> for the cases that should see it: they run first, all others after
/// them.</param>
public sealed record Mutant(string Name, string File, string Old, string New, string What, string Likely)
{
    private const string CpuKernels = "kernels/Simd/";

    /// <summary>Whether the fault is in AttnKernels.Simd; otherwise it is in AttnKernels.Kernels.</summary>
    public bool IsInSimd => File.StartsWith(CpuKernels, StringComparison.Ordinal);

    /// <summary>Where the cases run: what runs the file's kernels, unless said otherwise.</summary>
    public string Device => OnSimulator || !IsInSimd ? "simulator" : "cpu";

    /// <summary>The file is shared by both kinds of kernels, and the simulator is to see the fault.</summary>
    public bool OnSimulator { get; init; }

    /// <summary>The source with the fault in it.</summary>
    /// <exception cref="InvalidOperationException">The place is not there, or not the only one.</exception>
    public string Apply(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        int at = source.IndexOf(Old, StringComparison.Ordinal);
        if (at < 0) throw new InvalidOperationException($"stale mutant: {File} does not contain \"{Old}\"");
        if (source.IndexOf(Old, at + 1, StringComparison.Ordinal) >= 0)
            throw new InvalidOperationException($"ambiguous mutant: {File} contains \"{Old}\" more than once");
        return string.Concat(source.AsSpan(0, at), New, source.AsSpan(at + Old.Length));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>What became of a mutant.</summary>
public enum Verdict
{
    /// <summary>A case failed.</summary>
    Killed,

    /// <summary>Every case passed: the case set does not see the fault.</summary>
    Survived,

    /// <summary>The mutant is stale or does not compile: the list must be mended.</summary>
    Invalid,
}

/// <summary>What became of a mutant, and why.</summary>
/// <param name="Mutant">The mutant.</param>
/// <param name="Verdict">Killed, survived or invalid.</param>
/// <param name="Case">The case that failed; empty where none did.</param>
/// <param name="Detail">What was wrong: an element with its error over bound, a finding of the simulator, an exception, a compiler's
/// message.</param>
public sealed record MutantResult(Mutant Mutant, Verdict Verdict, string Case, string Detail);
