namespace AttnKernels.Verification.Ptx;

/// <summary>One instruction as it is written: "@!%p1 add.s32 %r1, %r2, 7;".</summary>
/// <param name="Line">Its line in the module, from 1.</param>
/// <param name="Guard">The predicate register in front; null: always executed.</param>
/// <param name="IsNegated">Executed where the guard is false.</param>
/// <param name="Opcode">With all its suffixes.</param>
/// <param name="Operands">As written; a vector "{%f1, %f2}" and an address "[%rd1+16]" are one operand each.</param>
internal sealed record PtxInstruction(int Line, string? Guard, bool IsNegated, string Opcode, IReadOnlyList<string> Operands)
{
    public override string ToString() => $"line {Line}: {Opcode} {string.Join(", ", Operands)}";
}
