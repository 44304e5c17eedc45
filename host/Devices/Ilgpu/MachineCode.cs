using System.Globalization;
using System.Text.RegularExpressions;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A loop of the machine code: what its body holds, inner loops included.</summary>
/// <param name="Length">Instructions in all.</param>
/// <param name="IsInnermost">Whether it holds no other loop.</param>
/// <param name="Instructions">How often each opcode stands in it.</param>
internal sealed record MachineLoop(int Length, bool IsInnermost, IReadOnlyDictionary<string, int> Instructions)
{
    /// <summary>How often an instruction (FFMA, LDS.128, HMMA, ...) stands in the body.</summary>
    public int Count(string instruction) => Instructions.GetValueOrDefault(instruction);
}

/// <summary>Reads cuobjdump's listing of one kernel.</summary>
internal static partial class MachineCode
{
    /// <summary>Counts opcodes; those with a width of 128 bits are counted a second time under OPCODE.128.</summary>
    public static IReadOnlyDictionary<string, int> Count(string sass) => Count(Parse(sass));

    /// <summary>The loops: from the target of each branch backwards to that branch.</summary>
    public static IReadOnlyList<MachineLoop> Loops(string sass)
    {
        List<(long Address, string Opcode, long Target)> code = Parse(sass);
        List<(long Start, long End)> spans =
            [.. code.Where(i => i.Opcode == "BRA" && i.Target < i.Address).Select(i => (i.Target, i.Address))];
        return [.. spans.Select(span =>
        {
            List<(long Address, string Opcode, long Target)> body = [.. code.Where(i => i.Address >= span.Start && i.Address <= span.End)];
            bool isInnermost = !spans.Exists(other => other != span && other.Start >= span.Start && other.End <= span.End);
            return new MachineLoop(body.Count, isInnermost, Count(body));
        })];
    }

    private static Dictionary<string, int> Count(IEnumerable<(long Address, string Opcode, long Target)> code)
    {
        Dictionary<string, int> counts = [];
        foreach ((_, string opcode, _) in code)
        {
            string[] parts = opcode.Split('.');
            counts[parts[0]] = counts.GetValueOrDefault(parts[0]) + 1;
            if (!parts.Contains("128")) continue;
            string wide = parts[0] + ".128";
            counts[wide] = counts.GetValueOrDefault(wide) + 1;
        }
        return counts;
    }

    private static List<(long Address, string Opcode, long Target)> Parse(string sass) =>
        [.. InstructionPattern().Matches(sass).Select(m =>
            (Hex(m.Groups[1]), m.Groups[2].Value, m.Groups[3].Success ? Hex(m.Groups[3]) : long.MaxValue))];

    private static long Hex(Group digits) => long.Parse(digits.ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P[0-9T]+\s+)?([A-Z][A-Z0-9.]*)(?:[^;\n]*?0x([0-9a-f]+)\s*;)?")]
    private static partial Regex InstructionPattern();
}
