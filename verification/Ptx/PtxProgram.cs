using AttnKernels.Verification.Ptx.Operations;

namespace AttnKernels.Verification.Ptx;

/// <summary>A module's code, ready to run.</summary>
internal sealed class PtxProgram
{
    /// <exception cref="FormatException">It has an instruction or an operand that the machine does not know.</exception>
    public PtxProgram(PtxModule module)
    {
        Module = module;
        ControlFlow flow = new(module);
        OperandTable operands = new(module);
        Code = new Operation[module.Instructions.Count];
        for (int n = 0; n < Code.Length; n++) Code[n] = Decoder.Decode(module, operands, flow, n);
        (LaneSlot, GroupSlot, GroupSizeSlot) = (operands.Slot("%tid.x"), operands.Slot("%ctaid.x"), operands.Slot("%ntid.x"));
        (Slots, Constants, Predicates) = (operands.Count, operands.Constants, operands.Predicates);
    }

    public PtxModule Module { get; }

    public Operation[] Code { get; }

    /// <summary>Registers of a lane, with those that hold constants.</summary>
    public int Slots { get; }

    public IReadOnlyList<(int Slot, ulong Value)> Constants { get; }

    /// <summary>The slots of predicates.</summary>
    public IReadOnlyList<int> Predicates { get; }

    /// <summary>%tid.x.</summary>
    public int LaneSlot { get; }

    /// <summary>%ctaid.x.</summary>
    public int GroupSlot { get; }

    /// <summary>%ntid.x.</summary>
    public int GroupSizeSlot { get; }
}
