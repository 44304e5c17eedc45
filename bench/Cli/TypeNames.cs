namespace AttnKernels.Bench.Cli;

/// <summary>The short names of the storage types in options and results.</summary>
public static class TypeNames
{
    private static readonly (string Name, DType Type)[] All =
        [("fp32", DType.Float32), ("fp16", DType.Float16), ("bf16", DType.BFloat16)];

    /// <summary>"fp32", "fp16" or "bf16".</summary>
    public static string Short(this DType type) => All.First(t => t.Type == type).Name;

    /// <summary>A comma-separated list of short names, or "all".</summary>
    /// <exception cref="OptionException">A name is not one of them.</exception>
    public static IReadOnlyList<DType> Parse(string list)
    {
        if (list == "all") return [.. All.Select(t => t.Type)];
        return [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name =>
        {
            int index = Array.FindIndex(All, t => t.Name == name);
            return index >= 0 ? All[index].Type : throw new OptionException($"--dtype {name}: there are fp32, fp16, bf16 and all");
        })];
    }
}
