using System.Text;
using AttnKernels.Kernels;

namespace AttnKernels.Cli.Features;

/// <summary>What is built, found by making every form's plan: on the CPU device, and from the tables of the portable kernels.</summary>
internal static class FeatureTable
{
    private const string Start = "<!-- features:start -->";
    private const string End = "<!-- features:end -->";
    private const string None = "-";

    private static readonly (DType Type, string Name)[] Types =
        [(DType.Float32, "fp32"), (DType.Float16, "fp16"), (DType.BFloat16, "bf16")];

    /// <summary>The tables as Markdown.</summary>
    public static string Render() => Render(FeatureForms.Sections);

    /// <inheritdoc cref="Render()"/>
    public static string Render(IEnumerable<FeatureSection> sections)
    {
        using AttentionDevice cpu = AttentionDevice.Open("cpu", new DeviceOptions { Threads = 1 });
        using AttentionDevice kernels = new(new CatalogDevice());
        StringBuilder text = new();
        text.Append("`all` is fp32, fp16 and bf16; `kernels` are the portable ones, which CUDA, OpenCL, ilgpu-cpu and the ");
        text.Append("simulator run.\n");
        foreach (FeatureSection section in sections)
        {
            text.Append($"\n| {section.Title} | {string.Join(" | ", section.Operations.Select(o => $"{o}: cpu | kernels"))} |\n");
            text.Append($"|---|{string.Concat(section.Operations.Select(_ => "---|---|"))}\n");
            foreach (FeatureRow row in section.Rows)
            {
                IEnumerable<string> cells = row.Problems.SelectMany(
                    problem => new[] { Cell(cpu, row.Only, problem), Cell(kernels, row.Only, problem) });
                text.Append($"| {row.Form} | {string.Join(" | ", cells)} |\n");
            }
        }
        return text.ToString();
    }

    /// <summary>The text of README.md with <paramref name="tables"/> between the markers.</summary>
    /// <exception cref="InvalidDataException">It has no markers.</exception>
    public static string Refresh(string readme, string tables)
    {
        int start = readme.IndexOf(Start, StringComparison.Ordinal), end = readme.IndexOf(End, StringComparison.Ordinal);
        if (start < 0 || end < start) throw new InvalidDataException($"There is no {Start} ... {End}.");
        return $"{readme[..(start + Start.Length)]}\n{tables}{readme[end..]}";
    }

    private static string Cell(AttentionDevice device, DType? only, Func<DType, object> problem)
    {
        string[] built = [.. Types.Where(t => (only ?? t.Type) == t.Type && IsBuilt(device, problem(t.Type))).Select(t => t.Name)];
        return built.Length == Types.Length ? "all" : built.Length == 0 ? None : string.Join(", ", built);
    }

    private static bool IsBuilt(AttentionDevice device, object problem)
    {
        try
        {
            Plan(device, problem).Dispose();
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    private static IDisposable Plan(AttentionDevice device, object problem) => problem switch
    {
        AttentionProblem p => device.Plan(p),
        SoftmaxProblem p => device.Plan(p),
        MatmulProblem p => device.Plan(p),
        RotaryProblem p => device.Plan(p),
        CacheAppendProblem p => device.Plan(p),
        MergeProblem p => device.Plan(p),
        WeightsProblem p => device.Plan(p),
        RuledProblem { Rows: > 0 } p => device.Plan<SampleModifier>(new WeightsProblem { Attention = p.Attention, Rows = p.Rows }),
        RuledProblem p => device.Plan<SampleModifier>(p.Attention),
        _ => throw new ArgumentException($"{problem.GetType().Name} has no plan here.", nameof(problem)),
    };
}
