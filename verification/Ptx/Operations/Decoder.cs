using System.Globalization;

namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>Makes operations of instructions.</summary>
internal static class Decoder
{
    /// <summary>Bytes of an element of ld and st.</summary>
    private static readonly Dictionary<string, int> Sizes = new()
    {
        ["b8"] = 1, ["b16"] = 2, ["b32"] = 4, ["f32"] = 4, ["b64"] = 8,
    };

    private static readonly Dictionary<string, Func<int[], int[], int[], int[], Operation>> Products = new()
    {
        ["mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"] = (d, a, b, c) => new MatrixMultiply<Float16Pair>(d, a, b, c),
        ["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"] = (d, a, b, c) => new MatrixMultiply<BFloat16Pair>(d, a, b, c),
        ["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"] = (d, a, b, c) => new MatrixMultiply<Tf32>(d, a, b, c),
    };

    /// <summary>Instruction <paramref name="n"/> of a module.</summary>
    /// <exception cref="FormatException">The machine does not know it.</exception>
    public static Operation Decode(PtxModule module, OperandTable operands, ControlFlow flow, int n)
    {
        PtxInstruction instruction = module.Instructions[n];
        try
        {
            return Decode(module, operands, flow, n, instruction);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new FormatException($"{instruction}: it has too few operands.", e);
        }
    }

    private static Operation Decode(PtxModule module, OperandTable operands, ControlFlow flow, int n, PtxInstruction instruction)
    {
        IReadOnlyList<string> written = instruction.Operands;
        if (ControlFlow.IsBranch(instruction))
            return new Branch(module.Target(instruction), flow.Join(n), instruction.Opcode == "bra.uni").From(instruction, operands);
        if (ControlFlow.IsReturn(instruction)) return new Return().From(instruction, operands);
        string[] parts = instruction.Opcode.Split('.');
        Operation? operation = parts[0] switch
        {
            "ld" or "st" => Transfer(module, operands, parts, written),
            "cp" => Copy(operands, instruction.Opcode, written),
            "mma" when Products.TryGetValue(instruction.Opcode, out var product) => product(
                operands.Slots(written[0]), operands.Slots(written[1]), operands.Slots(written[2]), operands.Slots(written[3])),
            _ => Other(operands, instruction.Opcode, written),
        };
        return operation?.From(instruction, operands) ?? throw new FormatException($"{instruction}: the machine does not know it.");
    }

    private static Operation? Other(OperandTable operands, string opcode, IReadOnlyList<string> written)
    {
        int Slot(int n) => operands.Slot(written[n]);
        if (ElementwiseTable.Unaries.TryGetValue(opcode, out var unary)) return unary(Slot(0), Slot(1));
        if (ElementwiseTable.Binaries.TryGetValue(opcode, out var binary)) return binary(Slot(0), Slot(1), Slot(2));
        switch (opcode)
        {
            case "mad.lo.u64" or "mad.lo.s64" or "mad.lo.s32":
                return new MultiplyAdd(Slot(0), Slot(1), Slot(2), Slot(3));
            case "selp.b32" or "selp.b64":
                return new Select(Slot(0), Slot(1), Slot(2), Slot(3));
            case "bar.sync" when written is ["0"]:
                return new GroupBarrier();
            case "bar.red.or.pred" when written is [_, "0", _]:
                return new AnyBarrier(Slot(0), Slot(2));
            case "shfl.sync.bfly.b32" or "shfl.sync.idx.b32" when written is [_, _, _, "31", "4294967295"]:
                return new Shuffle(Slot(0), Slot(1), Slot(2), opcode == "shfl.sync.bfly.b32");
            case "ldmatrix.sync.aligned.m8n8.x1.shared.b16" or "ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16":
                return LoadMatrices(operands, opcode, written, 1);
            case "ldmatrix.sync.aligned.m8n8.x2.shared.b16" or "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16":
                return LoadMatrices(operands, opcode, written, 2);
            case "ldmatrix.sync.aligned.m8n8.x4.shared.b16" or "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16":
                return LoadMatrices(operands, opcode, written, 4);
            default:
                return null;
        }
    }

    private static LoadMatrices? LoadMatrices(OperandTable operands, string opcode, IReadOnlyList<string> written, int matrices)
    {
        int[] registers = operands.Slots(written[0]);
        (string from, int offset) = operands.Address(written[1]);
        return registers.Length == matrices
            ? new LoadMatrices(registers, operands.Slot(from), offset, opcode.Contains(".trans", StringComparison.Ordinal))
            : null;
    }

    private static Operation? Copy(OperandTable operands, string opcode, IReadOnlyList<string> written)
    {
        switch (opcode)
        {
            case "cp.async.cg.shared.global" when written is [_, _, "16", _]:
                (string to, int toOffset) = operands.Address(written[0]);
                (string from, int fromOffset) = operands.Address(written[1]);
                return new CopyAsync(operands.Slot(to), toOffset, operands.Slot(from), fromOffset, operands.Slot(written[3]));
            case "cp.async.commit_group":
                return new CommitCopies();
            case "cp.async.wait_group":
                return new WaitForCopies(int.Parse(written[0], CultureInfo.InvariantCulture));
            case "cp.async.wait_all":
                return new WaitForCopies(null);
            default:
                return null;
        }
    }

    /// <summary>ld and st: space, .v2 or .v4 or nothing, element.</summary>
    private static Operation? Transfer(PtxModule module, OperandTable operands, string[] parts, IReadOnlyList<string> written)
    {
        if (!Sizes.TryGetValue(parts[^1], out int bytes)) return null;
        bool isLoad = parts[0] == "ld";
        int[] elements = operands.Slots(written[isLoad ? 0 : 1]);
        (string start, int offset) = operands.Address(written[isLoad ? 1 : 0]);
        bool isVector = parts.Length == 4 && parts[2] == $"v{elements.Length}";
        if (!isVector && (parts.Length != 3 || elements.Length != 1)) return null;
        if (parts[1] == "param")
            return isLoad && !isVector && start == module.ParameterName ? new LoadParameter(elements[0], offset, bytes) : null;
        if (parts[1] is not ("shared" or "global")) return null;
        bool isShared = parts[1] == "shared";
        int address = operands.Slot(start);
        return isLoad ? new Load(elements, address, offset, bytes, isShared) : new Store(elements, address, offset, bytes, isShared);
    }
}
