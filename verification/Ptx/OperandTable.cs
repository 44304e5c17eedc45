using System.Globalization;
using System.Text.RegularExpressions;

namespace AttnKernels.Verification.Ptx;

/// <summary>Gives every register, constant and special register of a module a slot in the registers of a lane.</summary>
internal sealed partial class OperandTable
{
    private readonly PtxModule module;
    private readonly Dictionary<string, int> firstSlots = [];
    private readonly Dictionary<string, int> slots = [];
    private readonly List<(int, ulong)> constants = [];

    public OperandTable(PtxModule module)
    {
        this.module = module;
        foreach ((string prefix, int count) in module.Registers)
        {
            firstSlots.Add(prefix, Count);
            Count += count;
        }
    }

    /// <summary>Slots so far.</summary>
    public int Count { get; private set; }

    public IReadOnlyList<(int Slot, ulong Value)> Constants => constants;

    public IReadOnlyList<int> Predicates => firstSlots.TryGetValue("%p", out int first)
        ? [.. Enumerable.Range(first, module.Registers["%p"])]
        : [];

    /// <summary>The slot of a register, a special register, a number, or a shared array's address.</summary>
    public int Slot(string operand)
    {
        if (slots.TryGetValue(operand, out int slot)) return slot;
        Match register = RegisterPattern().Match(operand);
        if (register.Success && firstSlots.TryGetValue(register.Groups[1].Value, out int first))
        {
            int number = int.Parse(register.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
            if (number < module.Registers[register.Groups[1].Value]) return first + number;
        }
        bool isSpecial = operand is "%tid.x" or "%ctaid.x" or "%ntid.x";
        if (!isSpecial) constants.Add((Count, Constant(operand)));
        slots.Add(operand, Count);
        return Count++;
    }

    /// <summary>The slots of a vector "{%f1, %f2}", or of one register.</summary>
    public int[] Slots(string operand) => [.. operand.Trim('{', '}').Split(',').Select(element => Slot(element.Trim()))];

    /// <summary>The parts of an address "[%rd1+16]".</summary>
    public (string Base, int Offset) Address(string operand)
    {
        string[] parts = operand.Trim('[', ']').Split('+');
        return (parts[0].Trim(), parts.Length == 1 ? 0 : int.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private ulong Constant(string operand)
    {
        (string name, int offset) = Address(operand);
        if (module.SharedArrays.TryGetValue(name, out int start)) return (ulong)(start + offset);
        if (operand.StartsWith("0f", StringComparison.Ordinal)) return Convert.ToUInt32(operand[2..], 16);
        if (long.TryParse(operand, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) return (ulong)number;
        if (ulong.TryParse(operand, NumberStyles.None, CultureInfo.InvariantCulture, out ulong large)) return large;
        throw new FormatException($"\"{operand}\" is no operand that the machine knows.");
    }

    [GeneratedRegex(@"^(%[a-z]+)(\d+)$")]
    private static partial Regex RegisterPattern();
}
