using System.Globalization;
using System.Text.RegularExpressions;

namespace AttnKernels.Verification.Ptx;

/// <summary>The text of a module with one entry point, taken apart. Functions beside the entry point are not: kernels call none.</summary>
internal sealed partial class PtxModule
{
    private PtxModule(string entryName, string parameterName, int parameterBytes) =>
        (EntryName, ParameterName, ParameterBytes) = (entryName, parameterName, parameterBytes);

    public string EntryName { get; }

    /// <summary>The one parameter, a structure.</summary>
    public string ParameterName { get; }

    public int ParameterBytes { get; }

    public List<PtxInstruction> Instructions { get; } = [];

    /// <summary>Which instruction a label stands before.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>How many registers each prefix ("%r") has: numbers from 0.</summary>
    public Dictionary<string, int> Registers { get; } = [];

    /// <summary>Where each shared array starts; one without a size, which the launch gives, starts behind the others.</summary>
    public Dictionary<string, int> SharedArrays { get; } = [];

    /// <summary>Bytes of the shared arrays that have a size.</summary>
    public int StaticSharedBytes { get; private set; }

    /// <summary>Lanes that a group may have, where the module says so; 0 = any number.</summary>
    public int MaxLanes { get; private set; }

    /// <exception cref="FormatException">The text is not what the backend writes.</exception>
    public static PtxModule Parse(string text)
    {
        string[] lines = text.Split('\n');
        int entry = Array.FindIndex(lines, line => line.Contains(".entry", StringComparison.Ordinal));
        if (entry < 0 || entry + 1 >= lines.Length) throw new FormatException("The module has no entry point.");
        Match name = EntryPattern().Match(lines[entry]);
        Match parameter = ParameterPattern().Match(lines[entry + 1]);
        if (!name.Success || !parameter.Success)
            throw new FormatException($"Line {entry + 1} is no entry point with one structure as its parameter.");
        PtxModule module = new(name.Groups[1].Value, parameter.Groups[1].Value, Number(parameter.Groups[2]));
        for (int n = 0; n < entry; n++)
        {
            // Registers are a function's own.
            if (!lines[n].TrimStart().StartsWith(".reg", StringComparison.Ordinal)) module.ReadDeclaration(lines[n].Trim(), n + 1);
        }
        for (int n = entry + 2; n < lines.Length; n++) module.Read(lines[n].Trim(), n + 1);
        return module;
    }

    /// <summary>The instruction that a branch goes to.</summary>
    /// <exception cref="FormatException">There is no such label.</exception>
    public int Target(PtxInstruction branch) => branch.Operands.Count == 1 && Labels.TryGetValue(branch.Operands[0], out int target)
        ? target
        : throw new FormatException($"{branch}: there is no such label.");

    private void Read(string line, int number)
    {
        if (line.Length == 0 || line is "{" or "}" or ")" || line.StartsWith("//", StringComparison.Ordinal)) return;
        if (line[0] == '.') ReadDeclaration(line, number);
        else if (line[^1] == ':') Labels.Add(line[..^1], Instructions.Count);
        else Instructions.Add(ReadInstruction(line, number));
    }

    private void ReadDeclaration(string line, int number)
    {
        if (RegisterPattern().Match(line) is { Success: true } registers)
        {
            Registers.Add(registers.Groups[1].Value, Number(registers.Groups[2]));
        }
        else if (SharedPattern().Match(line) is { Success: true } array)
        {
            int alignment = Number(array.Groups[1]);
            int start = (StaticSharedBytes + alignment - 1) / alignment * alignment;
            SharedArrays.Add(array.Groups[2].Value, start);
            StaticSharedBytes = start + (array.Groups[3].Length == 0 ? 0 : Number(array.Groups[3]));
        }
        else if (LanesPattern().Match(line) is { Success: true } lanes)
        {
            MaxLanes = Number(lanes.Groups[1]);
        }
        else if (line.StartsWith(".local", StringComparison.Ordinal))
        {
            throw new FormatException($"Line {number} declares local memory, which no kernel should need: {line}");
        }
    }

    private static PtxInstruction ReadInstruction(string line, int number)
    {
        Match match = InstructionPattern().Match(line);
        if (!match.Success) throw new FormatException($"Line {number} is no instruction: {line}");
        return new PtxInstruction(
            number,
            match.Groups[2].Success ? match.Groups[2].Value : null,
            match.Groups[1].Length > 0,
            match.Groups[3].Value,
            [.. OperandPattern().Matches(match.Groups[4].Value).Select(operand => operand.Value)]);
    }

    private static int Number(Group digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\.entry (\w+)\(")]
    private static partial Regex EntryPattern();

    [GeneratedRegex(@"\.param \.align \d+ \.b8 (\w+)\[(\d+)\]")]
    private static partial Regex ParameterPattern();

    [GeneratedRegex(@"^\.reg \.\w+\s+(%[a-z]+)<(\d+)>;")]
    private static partial Regex RegisterPattern();

    [GeneratedRegex(@"^(?:\.extern )?\.shared \.align (\d+) \.b8 (\w+)\[(\d*)\];")]
    private static partial Regex SharedPattern();

    [GeneratedRegex(@"^\.maxntid (\d+), 1, 1")]
    private static partial Regex LanesPattern();

    [GeneratedRegex(@"^(?:@(!?)(%p\d+)\s+)?([a-z][a-z0-9_.]*)\s*(.*);$")]
    private static partial Regex InstructionPattern();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]|[^,\s]+")]
    private static partial Regex OperandPattern();
}
