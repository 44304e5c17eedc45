using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>
/// Lines of a kernel's source whose accesses are all whole stores, <c>view[i] = value</c>: an access returns a reference, and only the
/// compiled code says what becomes of it. There, a store is known as one also when it writes what is there already.
/// </summary>
internal static class StoreSites
{
    private const BindingFlags Declared =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly ConditionalWeakTable<Assembly, HashSet<Site>> Known = [];

    private static readonly Dictionary<int, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Static | BindingFlags.Public)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (int)(ushort)code.Value);

    /// <summary>The store lines of everything in an assembly.</summary>
    public static HashSet<Site> Of(Assembly assembly) => Known.GetValue(assembly, Find);

    private static HashSet<Site> Find(Assembly assembly)
    {
        HashSet<Site> stores = [], others = [];
        foreach (Type type in assembly.GetTypes())
        {
            foreach (MethodBase method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)))
            {
                if (method.GetMethodBody()?.GetILAsByteArray() is not { } il) continue;
                List<Step> steps = Decode(il);
                for (int at = 2; at < steps.Count; at++)
                    if (SiteOf(method, steps, at) is { } site) (IsStored(method, steps, at) ? stores : others).Add(site);
            }
        }
        stores.ExceptWith(others);
        return stores;
    }

    /// <summary>The line of an access to a view, which the compiler passes to it, or null: step <paramref name="at"/> is none.</summary>
    private static Site? SiteOf(MethodBase method, List<Step> steps, int at)
    {
        if (steps[at].Code.FlowControl != FlowControl.Call || steps[at - 2].Code != OpCodes.Ldstr) return null;
        if (steps[at - 1].Code.Name?.StartsWith("ldc.i4", StringComparison.Ordinal) != true) return null;
        MethodBase called = Resolve(method, steps[at].Operand);
        return called.Name == "get_Item" && called.DeclaringType is { IsGenericType: true } type
            && type.GetGenericTypeDefinition() == typeof(ArrayView<>)
            ? new Site(method.Module.ResolveString(steps[at - 2].Operand), steps[at - 1].Operand)
            : null;
    }

    /// <summary>
    /// Follows the reference that step <paramref name="at"/> leaves on the stack to the step that takes it. Where a condition forks, both
    /// ways reach their end with the same depth.
    /// </summary>
    private static bool IsStored(MethodBase method, List<Step> steps, int at)
    {
        Dictionary<int, int> depths = [];
        int depth = 0; // above the reference
        for (int n = at + 1; n < steps.Count; n++)
        {
            Step step = steps[n];
            depth = depths.GetValueOrDefault(step.Offset, depth);
            (int pops, int pushes) = Effect(method, step);
            if (pops > depth) return depth == 1
                && (step.Code == OpCodes.Stobj || step.Code.Name!.StartsWith("stind", StringComparison.Ordinal));
            if (step.Code.FlowControl is FlowControl.Return or FlowControl.Throw) return false;
            depth += pushes - pops;
            if (step.Code.OperandType is OperandType.InlineBrTarget or OperandType.ShortInlineBrTarget) depths.TryAdd(step.Operand, depth);
        }
        return false;
    }

    private static (int Pops, int Pushes) Effect(MethodBase method, Step step)
    {
        if (step.Code.FlowControl != FlowControl.Call)
            return (Count(step.Code.StackBehaviourPop, -1), Count(step.Code.StackBehaviourPush, 1));
        MethodBase called = Resolve(method, step.Operand);
        bool creates = step.Code == OpCodes.Newobj;
        int pops = called.GetParameters().Length + (called.IsStatic || creates ? 0 : 1);
        return (pops, creates || called is MethodInfo info && info.ReturnType != typeof(void) ? 1 : 0);
    }

    // Names list what is popped or pushed, such as Popref_popi: a part an element, but for Pop0 and Push0.
    private static int Count(StackBehaviour behaviour, int sign)
    {
        string name = behaviour.ToString();
        return name is "Pop0" or "Push0" || (sign > 0) != name.StartsWith("Push", StringComparison.Ordinal) ? 0 : name.Split('_').Length;
    }

    private static MethodBase Resolve(MethodBase method, int token) => method.Module.ResolveMethod(
        token, method.DeclaringType!.GetGenericArguments(), method.IsGenericMethod ? method.GetGenericArguments() : null)!;

    private static List<Step> Decode(byte[] il)
    {
        List<Step> steps = [];
        for (int at = 0; at < il.Length;)
        {
            int offset = at, value = il[at++];
            OpCode code = Codes[value == 0xFE ? 0xFE00 | il[at++] : value];
            int size = code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
            int operand = size switch { 1 => (sbyte)il[at], 4 => BitConverter.ToInt32(il, at), _ => 0 };
            at += size;
            if (code.OperandType is OperandType.InlineBrTarget or OperandType.ShortInlineBrTarget) operand += at;
            if (size == 0 && code.Name!.StartsWith("ldc.i4.", StringComparison.Ordinal)) operand = value - OpCodes.Ldc_I4_0.Value;
            steps.Add(new Step(offset, code, operand));
        }
        return steps;
    }

    private readonly record struct Step(int Offset, OpCode Code, int Operand);
}
