using System.Diagnostics;

namespace AttnKernels.Verification;

/// <summary>How much work a case is.</summary>
public enum CaseSize
{
    /// <summary>Runs on every device, also where a lane is a thread of the operating system or is interpreted.</summary>
    Tiny,

    /// <summary>Runs on devices that compute at speed.</summary>
    Normal,
}

/// <summary>What became of a case.</summary>
public enum Outcome
{
    /// <summary>Every element within its bound, nothing overwritten.</summary>
    Passed,

    /// <summary>Something is wrong; the detail says what.</summary>
    Failed,

    /// <summary>The device says that it has no kernel for it.</summary>
    Unsupported,
}

/// <summary>One problem with its data: runs through the public library on any device and is compared with the reference.</summary>
/// <param name="Operation">What is computed, for grouping: "attention", "attention+weights", "softmax", "matmul".</param>
/// <param name="Name">Says the sizes and features; the data is derived from it.</param>
/// <param name="Type">Storage type of the inputs.</param>
/// <param name="Size">Where it runs.</param>
public abstract record VerificationCase(string Operation, string Name, DType Type, CaseSize Size)
{
    /// <summary>How many rows of the result are checked; 0 = all. For problems too large for a reference of plain loops.</summary>
    public int SampledRows { get; init; }

    /// <summary>A case for one kernel that only devices which run kernels/ have.</summary>
    public bool NeedsKernels { get; init; }

    /// <summary>Where the data comes from; null: from the title. Set by who needs the same numbers under another title.</summary>
    public ulong? DataSeed { get; init; }

    /// <summary>
    /// Whether its data was drawn at random, by the fuzzer. What may happen by luck is then reported and does not decide:
    /// <see cref="PlainRule"/>, which compares the largest of two samples of rounding errors, some of few independent ones; and bounds
    /// above every element, as where a sink takes all the weight of a row.
    /// </summary>
    public bool IsRandom { get; init; }

    /// <summary>Operation, type and name in one line: what filters look at.</summary>
    public string Title => $"{Operation} {Type} {Name}";

    /// <summary>Runs the case. Throws nothing: what goes wrong is in the result.</summary>
    public CaseResult Run(AttentionDevice device)
    {
        Stopwatch watch = Stopwatch.StartNew();
        try
        {
            return Execute(device) with { Time = watch.Elapsed };
        }
        // What a compiler or a driver refuses is a fault of the kernel, and says so by an inner exception.
        catch (NotSupportedException e) when (e.InnerException is null)
        {
            return new CaseResult(this, Outcome.Unsupported, 0, e.Message) { Time = watch.Elapsed };
        }
#pragma warning disable CA1031 // Any exception of a kernel is this case's failure and must not end the run.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new CaseResult(this, Outcome.Failed, double.PositiveInfinity, $"{e.GetType().Name}: {e.Message}")
            {
                Time = watch.Elapsed, LostDevice = e is DeviceFaultException { IsDeviceLost: true },
            };
        }
    }

    /// <inheritdoc/>
    public sealed override string ToString() => Title;

    /// <summary>Uploads, runs, compares.</summary>
    private protected abstract CaseResult Execute(AttentionDevice device);

    /// <summary>Numbers of this case's own.</summary>
    private protected Seeded Random() => new(DataSeed ?? Seeded.SeedOf(Title));

    /// <summary>
    /// The rows to check of a result with <paramref name="count"/> rows: the first, the last and others by hash; null = all.
    /// </summary>
    private protected int[]? Sample(int count)
    {
        if (SampledRows == 0 || SampledRows >= count) return null;
        Seeded random = Random();
        return [.. Enumerable.Range(0, SampledRows).Select(n => n switch
        {
            0 => 0,
            1 => count - 1,
            _ => (int)(random.Uniform(99, n) * count),
        })];
    }

    /// <summary>The kernel's name in a plan's explanation, "problem on device: kernel: sizes and reasons".</summary>
    private static string KernelOf(string explanation)
    {
        string kernel = explanation[(explanation.IndexOf(": ", StringComparison.Ordinal) + 2)..];
        int end = kernel.AsSpan().IndexOfAny(":[(,");
        return end < 0 ? kernel : kernel[..end].TrimEnd();
    }

    /// <summary>The result of comparisons, of the second rule and of the guards' inspection.</summary>
    private protected CaseResult Judge(
        string explanation, IReadOnlyList<Comparison> comparisons, double againstPlain, IEnumerable<string?> damages)
    {
        Comparison worst = comparisons.MaxBy(c => c.Worst)!;
        Comparison? unproven = comparisons.FirstOrDefault(c => c.ProvesNothing);
        string? damage = damages.FirstOrDefault(d => d is not null);
        if (!IsRandom && !(againstPlain <= 1))
            damage ??= FormattableString.Invariant(
                $"the largest error is {againstPlain:G3} times what twice the plain computation's allows");
        if (!IsRandom) damage ??= unproven?.ToString();
        bool passed = worst.Failures == 0 && damage is null;
        return new CaseResult(this, passed ? Outcome.Passed : Outcome.Failed, worst.Worst,
            worst.Failures == 0 ? damage ?? worst.ToString() : worst.ToString())
        {
            Kernel = KernelOf(explanation),
            AgainstPlain = againstPlain,
            ProvesNothing = unproven is not null,
        };
    }
}

/// <summary>What became of a case on a device.</summary>
/// <param name="Case">The case.</param>
/// <param name="Outcome">Passed, failed or unsupported.</param>
/// <param name="Worst">Largest error / bound over all elements of all results.</param>
/// <param name="Detail">The worst element, what was overwritten, the exception, or why it is unsupported.</param>
public sealed record CaseResult(VerificationCase Case, Outcome Outcome, double Worst, string Detail)
{
    /// <summary>Largest error of the main result over what <see cref="PlainRule"/> allows; 0 where it does not apply.</summary>
    public double AgainstPlain { get; init; }

    /// <summary>Whether the bounds of some result are above all of its elements: zeros would pass.</summary>
    public bool ProvesNothing { get; init; }

    /// <summary>The kernel that the plan names; empty where there was no plan.</summary>
    public string Kernel { get; init; } = "";

    /// <summary>Whether it failed because the device is lost; every further case would, too.</summary>
    public bool LostDevice { get; init; }

    /// <summary>Time of the whole case, reference included.</summary>
    public TimeSpan Time { get; init; }
}
