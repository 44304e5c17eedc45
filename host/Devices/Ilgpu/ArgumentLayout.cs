using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Copies a kernel's arguments to <paramref name="target"/> as its PTX reads them.</summary>
internal unsafe delegate void ArgumentWriter<TArgs>(ref TArgs args, byte* target)
    where TArgs : struct;

/// <summary>One scalar of a parameter structure.</summary>
internal readonly record struct ArgumentField(int Offset, int Bytes);

/// <summary>
/// How a PTX kernel sees its one parameter: the fields in their order, each at a multiple of its own size as in C, structures nested, and
/// an ArrayView&lt;T&gt; as its address and its length, 8 bytes each. On the host a view holds a reference, so the structure is rewritten
/// for each launch, by code that is generated once and allocates nothing.
/// </summary>
internal sealed unsafe class ArgumentLayout<TArgs>
    where TArgs : struct
{
    private static readonly MethodInfo ViewWriter =
        typeof(ArgumentLayout<TArgs>).GetMethod(nameof(WriteView), BindingFlags.Static | BindingFlags.NonPublic)!;

    private readonly List<ArgumentField> fields = [];

    private ArgumentLayout()
    {
        DynamicMethod method = new(
            $"Write{typeof(TArgs).Name}", null, [typeof(TArgs).MakeByRefType(), typeof(byte*)], typeof(ArgumentLayout<TArgs>), true);
        ILGenerator code = method.GetILGenerator();
        (int end, int alignment) = Add(code, typeof(TArgs), [], 0);
        code.Emit(OpCodes.Ret);
        Bytes = Align(end, alignment);
        Write = method.CreateDelegate<ArgumentWriter<TArgs>>();
    }

    /// <summary>The layout of <typeparamref name="TArgs"/>.</summary>
    /// <exception cref="NotSupportedException">A field is neither a view nor a number of 4 or 8 bytes.</exception>
    public static ArgumentLayout<TArgs> Instance => Holder.Layout;

    /// <summary>Size of the parameter.</summary>
    public int Bytes { get; }

    /// <summary>Every scalar, in order.</summary>
    public IReadOnlyList<ArgumentField> Fields => fields;

    public ArgumentWriter<TArgs> Write { get; }

    /// <summary>Adds the fields of a structure from <paramref name="offset"/>, which is aligned for it; returns their end.</summary>
    private (int End, int Alignment) Add(ILGenerator code, Type structure, FieldInfo[] path, int offset)
    {
        int alignment = 1;
        foreach (FieldInfo field in structure.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .OrderBy(field => field.MetadataToken))
        {
            int align = AlignmentOf(field.FieldType);
            alignment = Math.Max(alignment, align);
            offset = Align(offset, align);
            FieldInfo[] inner = [.. path, field];
            if (IsView(field.FieldType)) offset = AddView(code, inner, offset);
            else if (field.FieldType.IsPrimitive || field.FieldType.IsEnum) offset = AddScalar(code, inner, offset, align);
            else offset = Align(Add(code, field.FieldType, inner, offset).End, align);
        }

        // An empty structure, a policy without values, takes a byte on the host and in ILGPU.
        return (alignment == 1 ? offset + 1 : offset, alignment);
    }

    private int AddView(ILGenerator code, FieldInfo[] path, int offset)
    {
        LoadField(code, path);
        LoadTarget(code, offset);
        code.Emit(OpCodes.Call, ViewWriter.MakeGenericMethod(path[^1].FieldType.GetGenericArguments()));
        fields.Add(new ArgumentField(offset, 8));
        fields.Add(new ArgumentField(offset + 8, 8));
        return offset + 16;
    }

    private int AddScalar(ILGenerator code, FieldInfo[] path, int offset, int bytes)
    {
        LoadTarget(code, offset);
        LoadField(code, path);
        code.Emit(OpCodes.Stobj, path[^1].FieldType);
        fields.Add(new ArgumentField(offset, bytes));
        return offset + bytes;
    }

    private static void LoadField(ILGenerator code, FieldInfo[] path)
    {
        code.Emit(OpCodes.Ldarg_0);
        foreach (FieldInfo field in path.AsSpan(0, path.Length - 1)) code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Ldfld, path[^1]);
    }

    private static void LoadTarget(ILGenerator code, int offset)
    {
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Ldc_I4, offset);
        code.Emit(OpCodes.Add);
    }

    private static int AlignmentOf(Type type)
    {
        if (IsView(type)) return 8;
        if (type.IsEnum) return AlignmentOf(type.GetEnumUnderlyingType());
        if (type == typeof(int) || type == typeof(uint) || type == typeof(float)) return 4;
        if (type == typeof(long) || type == typeof(ulong) || type == typeof(double)) return 8;
        if (type.IsPrimitive || !type.IsValueType)
        {
            throw new NotSupportedException(
                $"A kernel's arguments hold views and numbers of 4 or 8 bytes; {typeof(TArgs).Name} holds a {type.Name}.");
        }
        return type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(field => AlignmentOf(field.FieldType)).DefaultIfEmpty(1).Max();
    }

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static int Align(int offset, int alignment) => (offset + alignment - 1) / alignment * alignment;

    private static void WriteView<T>(ArrayView<T> view, byte* target)
        where T : unmanaged
    {
        Unsafe.Write(target, view.IsValid ? (long)view.LoadEffectiveAddressAsPtr() : 0);
        Unsafe.Write(target + 8, view.Length);
    }

    private static class Holder
    {
        public static readonly ArgumentLayout<TArgs> Layout = new();
    }
}
