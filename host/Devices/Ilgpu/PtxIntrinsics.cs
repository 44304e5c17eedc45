using System.Reflection;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Types;

namespace AttnKernels.Devices.Ilgpu;

using HardwareRegister = RegisterAllocator<PTXRegisterKind>.HardwareRegister;
using PrimitiveRegister = RegisterAllocator<PTXRegisterKind>.PrimitiveRegister;
using Register = RegisterAllocator<PTXRegisterKind>.Register;
using StructRegister = RegisterAllocator<PTXRegisterKind>.CompoundRegister;

/// <summary>
/// Writes the PTX instruction of each method of <see cref="TensorCore"/>, of fp16's conversion and of the reciprocal in place of its call.
/// </summary>
internal static class PtxIntrinsics
{
    public static void Register(Context context)
    {
        Register(context, typeof(Float16Element), nameof(Float16Element.Load), nameof(Float16Element.Widen), nameof(WidenFloat16));
        Register(context, typeof(SpecialMath), nameof(SpecialMath.Reciprocal), nameof(SpecialMath.Divide), nameof(Reciprocal));
        Register(context, nameof(TensorCore.MultiplyFloat16), nameof(MultiplyFloat16));
        Register(context, nameof(TensorCore.MultiplyBFloat16), nameof(MultiplyBFloat16));
        Register(context, nameof(TensorCore.MultiplyTf32), nameof(MultiplyTf32));
        Register(context, nameof(TensorCore.PackFloat16), nameof(PackFloat16));
        Register(context, nameof(TensorCore.PackBFloat16), nameof(PackBFloat16));
        Register(context, nameof(TensorCore.LoadMatrices), nameof(LoadMatrices));
        Register(context, nameof(TensorCore.LoadTransposed), nameof(LoadTransposed));
        Register(context, nameof(TensorCore.LoadTwoMatrices), nameof(LoadTwoMatrices));
        Register(context, nameof(TensorCore.LoadTwoTransposed), nameof(LoadTwoTransposed));
        Register(context, nameof(TensorCore.LoadMatrix), nameof(LoadMatrix));
        Register(context, nameof(TensorCore.LoadOneTransposed), nameof(LoadOneTransposed));
        Register(context, nameof(TensorCore.CopyAsync), nameof(CopyAsync));
        Register(context, nameof(TensorCore.WaitForCopies), nameof(WaitForCopies));
        Register(context, nameof(TensorCore.CommitCopies), nameof(CommitCopies));
        Register(context, nameof(TensorCore.WaitForOlderCopies), nameof(WaitForOlderCopies));
    }

    private static void Register(Context context, string method, string generator) =>
        Register(context, typeof(TensorCore), method, generator);

    /// <summary>OpenCL takes no intrinsic without an implementation: it calls <paramref name="elsewhere"/>.</summary>
    private static void Register(Context context, Type owner, string method, string elsewhere, string generator)
    {
        Register(context, owner, method, generator);
        context.GetIntrinsicManager().RegisterMethod(
            owner.GetMethod(method)!, new CLIntrinsic(owner, elsewhere, IntrinsicImplementationMode.Redirect));
    }

    private static void Register(Context context, Type owner, string method, string generator)
    {
        const BindingFlags any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        MethodInfo target = owner.GetMethods(any)
            .Single(m => m.Name == method && m.IsDefined(typeof(IntrinsicImplementationAttribute)));
        context.GetIntrinsicManager().RegisterMethod(
            target, new PTXIntrinsic(typeof(PtxIntrinsics), generator, IntrinsicImplementationMode.GenerateCode));
    }

    private static void MultiplyFloat16(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        Multiply(code, call, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32");

    private static void MultiplyBFloat16(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        Multiply(code, call, "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32");

    private static void MultiplyTf32(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        Multiply(code, call, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");

    private static void Multiply(PTXCodeGenerator code, Value call, string instruction)
    {
        PrimitiveRegister[] c = Fields(code, code.Load(call[0]));
        PrimitiveRegister[] a = Fields(code, code.Load(call[1]));
        PrimitiveRegister[] b = [Hardware(code, call[2]), Hardware(code, call[3])];
        PrimitiveRegister[] d = Fields(code, code.Allocate(call));
        using var command = code.BeginCommand(instruction);
        command.AppendVectorArgument(d);
        command.AppendVectorArgument(a);
        command.AppendVectorArgument(b);
        command.AppendVectorArgument(c);
    }

    private static void WidenFloat16(PTXBackend backend, PTXCodeGenerator code, Value call) => Unary(code, call, "cvt.f32.f16");

    private static void Reciprocal(PTXBackend backend, PTXCodeGenerator code, Value call) => Unary(code, call, "rcp.approx.ftz.f32");

    private static void Unary(PTXCodeGenerator code, Value call, string instruction)
    {
        HardwareRegister value = Hardware(code, call[0]);
        HardwareRegister target = code.AllocateHardware(call);
        using var command = code.BeginCommand(instruction);
        command.AppendArgument(target);
        command.AppendArgument(value);
    }

    private static void PackFloat16(PTXBackend backend, PTXCodeGenerator code, Value call) => Pack(code, call, "cvt.rn.f16x2.f32");

    private static void PackBFloat16(PTXBackend backend, PTXCodeGenerator code, Value call) => Pack(code, call, "cvt.rn.bf16x2.f32");

    private static void Pack(PTXCodeGenerator code, Value call, string instruction)
    {
        HardwareRegister low = Hardware(code, call[0]);
        HardwareRegister high = Hardware(code, call[1]);
        HardwareRegister target = code.AllocateHardware(call);
        using var command = code.BeginCommand(instruction);
        command.AppendArgument(target);
        command.AppendArgument(high); // the first source fills the upper half
        command.AppendArgument(low);
    }

    private static void LoadMatrices(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "x4");

    private static void LoadTransposed(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "x4.trans");

    private static void LoadTwoMatrices(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "x2");

    private static void LoadTwoTransposed(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "x2.trans");

    private static void LoadMatrix(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "x1");

    private static void LoadOneTransposed(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "x1.trans");

    private static void Load(PTXCodeGenerator code, Value call, string matrices)
    {
        HardwareRegister row = Address(code, call[0], MemoryAddressSpace.Shared, "shared");
        PrimitiveRegister[] target = Fields(code, code.Allocate(call));
        using var command = code.BeginCommand($"ldmatrix.sync.aligned.m8n8.{matrices}.shared.b16");
        command.AppendVectorArgument(target);
        command.AppendArgumentValue(row);
    }

    private static void CopyAsync(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        HardwareRegister target = Address(code, call[0], MemoryAddressSpace.Shared, "shared");
        HardwareRegister source = Address(code, call[1], MemoryAddressSpace.Global, "global");
        HardwareRegister bytes = Hardware(code, call[2]);
        using var command = code.BeginCommand("cp.async.cg.shared.global");
        command.AppendArgumentValue(target);
        command.AppendArgumentValue(source);
        command.AppendConstant(16L);
        command.AppendArgument(bytes);
    }

    private static void WaitForCopies(PTXBackend backend, PTXCodeGenerator code, Value call) => code.Command("cp.async.wait_all");

    private static void CommitCopies(PTXBackend backend, PTXCodeGenerator code, Value call) => code.Command("cp.async.commit_group");

    private static void WaitForOlderCopies(PTXBackend backend, PTXCodeGenerator code, Value call) => code.Command("cp.async.wait_group 1");

    private static HardwareRegister Hardware(PTXCodeGenerator code, Value value) =>
        code.EnsureHardwareRegister(code.LoadPrimitive(value));

    /// <summary>A structure's registers, or the one of a number.</summary>
    private static PrimitiveRegister[] Fields(PTXCodeGenerator code, Register register)
    {
        if (register is PrimitiveRegister one) return [code.EnsureHardwareRegister(one)];
        StructRegister fields = (StructRegister)register;
        PrimitiveRegister[] registers = new PrimitiveRegister[fields.NumChildren];
        for (int i = 0; i < registers.Length; i++) registers[i] = code.EnsureHardwareRegister((PrimitiveRegister)fields.Children[i]);
        return registers;
    }

    /// <summary>The address in that space: ILGPU passes references generic unless it has found out where they point.</summary>
    private static HardwareRegister Address(PTXCodeGenerator code, Value reference, MemoryAddressSpace space, string name)
    {
        HardwareRegister address = Hardware(code, reference);
        if (((AddressSpaceType)reference.Type).AddressSpace == space) return address;
        HardwareRegister converted = code.AllocateRegister(address.Description);
        using var command = code.BeginCommand($"cvta.to.{name}.u64");
        command.AppendArgument(converted);
        command.AppendArgument(address);
        return converted;
    }
}
