using System.Reflection;

namespace AttnKernels.Plans;

/// <summary>
/// Refuses score modifiers that some device could not take, on every device: what runs on the CPU is to run on a GPU. What only the
/// compiler of a device can see, such as an allocation in the modifier's code, is refused when that device makes its plan.
/// </summary>
internal static class ModifierCheck
{
    public static void Require(Type rule)
    {
        if (!rule.IsVisible)
        {
            throw new NotSupportedException(
                $"Score modifier {rule.Name} is not public, and neither is code that launches a kernel allowed to see it. " +
                "Make it and the types around it public.");
        }
        RequireNumbers(rule, rule);
    }

    private static void RequireNumbers(Type rule, Type structure)
    {
        foreach (FieldInfo field in structure.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            Type type = field.FieldType;
            if (type.IsPrimitive && IsNumber(type)) continue;
            if (type.IsPrimitive || type.IsPointer || type.IsEnum || type.IsFunctionPointer)
            {
                throw new NotSupportedException(
                    $"Score modifier {rule.Name}: field {field.Name} is a {type.Name}. Kernels receive int, uint, long, ulong, float and " +
                    "double, and structs of them; make it an int, or put it into RuleFloats or RuleInts.");
            }
            RequireNumbers(rule, type);
        }
    }

    private static bool IsNumber(Type type) =>
        type == typeof(int) || type == typeof(uint) || type == typeof(long) || type == typeof(ulong) || type == typeof(float)
        || type == typeof(double);
}
