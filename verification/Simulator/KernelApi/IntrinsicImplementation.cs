namespace ILGPU.IR.Intrinsics;

/// <summary>Marks a method that a device may put an instruction in place of; the simulator runs its body.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IntrinsicImplementationAttribute : Attribute;
