using System.Globalization;
using System.Text.RegularExpressions;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>The arguments as the host writes them, against the arguments as the compiled kernels read them.</summary>
public sealed partial class ArgumentLayoutTests
{
    public static TheoryData<string> Names => CodegenTests.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryLoadOfAParameterIsAFieldOfTheLayout(string name) => Check(CompiledKernels.Entry(name), CompiledKernels.Get(name).Text);

    /// <summary>No kernel of the library has a small field behind a nested structure that ends in padding; this one has.</summary>
    [Fact]
    public void PaddingOfANestedStructureIsTheCompilers()
    {
        KernelEntry<Outer> entry = new("padding", ReadAll, 1, 0);
        PtxCompiler compiler = new();
        Check(entry, compiler.Compile(entry).Text).Should().Be(6, "every scalar is read");
    }

    private static void ReadAll(Outer args) =>
        args.Inner.Data[args.Stride] = args.Inner.Data[args.Tag] + args.Inner.Data[args.Inner.Rows] * args.Scale;

    private static int Check(KernelEntry entry, string ptx)
    {
        (int bytes, IReadOnlyList<ArgumentField> fields) = Layout(entry);
        PtxText.ParameterBytes(ptx).Should().Be(bytes);
        // Functions that the kernel calls stand before it, with parameters of their own.
        MatchCollection loads = LoadPattern().Matches(ptx[ptx.LastIndexOf(".entry", StringComparison.Ordinal)..]);
        loads.Should().NotBeEmpty();
        foreach (Match load in loads)
        {
            int offset = load.Groups[2].Success ? int.Parse(load.Groups[2].ValueSpan, CultureInfo.InvariantCulture) : 0;
            int width = int.Parse(load.Groups[1].ValueSpan, CultureInfo.InvariantCulture) / 8;
            fields.Should().Contain(new ArgumentField(offset, width), load.Value);
        }
        return loads.Count;
    }

    [Fact]
    public unsafe void ValuesLieWhereTheLayoutSays()
    {
        using Context context = Context.Create(builder => builder.DefaultCPU());
        using Accelerator accelerator = context.CreateCPUAccelerator(0);
        using MemoryBuffer1D<float, Stride1D.Dense> memory = accelerator.Allocate1D<float>(8);
        Outer args = new() { Tag = 7, Inner = { Data = memory.View.SubView(2, 5).BaseView, Rows = 11 }, Scale = 2.5f, Stride = -3 };
        ArgumentLayout<Outer> layout = ArgumentLayout<Outer>.Instance;
        layout.Bytes.Should().Be(48);

        byte* target = stackalloc byte[layout.Bytes];
        layout.Write(ref args, target);

        (*(int*)target).Should().Be(7);
        (*(long*)(target + 8)).Should().Be(memory.NativePtr + 2 * sizeof(float));
        (*(long*)(target + 16)).Should().Be(5);
        (*(int*)(target + 24)).Should().Be(11);
        (*(float*)(target + 32)).Should().Be(2.5f, "a nested structure ends at a multiple of its alignment");
        (*(long*)(target + 40)).Should().Be(-3);
    }

    [Fact]
    public unsafe void AnEmptyViewIsNull()
    {
        Outer args = default;
        byte* target = stackalloc byte[48];
        new Span<byte>(target, 48).Fill(0xff);
        ArgumentLayout<Outer>.Instance.Write(ref args, target);
        (*(long*)(target + 8)).Should().Be(0);
        (*(long*)(target + 16)).Should().Be(0);
    }

    [Fact]
    public unsafe void WritingAllocatesNothing()
    {
        ArgumentLayout<Outer> layout = ArgumentLayout<Outer>.Instance;
        Outer args = default;
        byte* target = stackalloc byte[layout.Bytes];
        layout.Write(ref args, target);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) layout.Write(ref args, target);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void SmallNumbersAreRefused() =>
        ((Action)(() => _ = ArgumentLayout<Small>.Instance)).Should().Throw<TypeInitializationException>()
            .WithInnerException<NotSupportedException>().WithMessage("*Small holds a Byte*");

    private static (int Bytes, IReadOnlyList<ArgumentField> Fields) Layout(KernelEntry entry)
    {
        Type args = entry.Method.GetParameters()[0].ParameterType;
        object layout = typeof(ArgumentLayout<>).MakeGenericType(args).GetProperty("Instance")!.GetValue(null)!;
        return ((int)layout.GetType().GetProperty("Bytes")!.GetValue(layout)!,
            (IReadOnlyList<ArgumentField>)layout.GetType().GetProperty("Fields")!.GetValue(layout)!);
    }

    [GeneratedRegex(@"ld\.param\.[a-z]+(\d+)\s+%\w+, \[\w+(?:\+(\d+))?\]")]
    private static partial Regex LoadPattern();

    private struct Inner
    {
        public ArrayView<float> Data;
        public int Rows;
    }

    private struct Outer
    {
        public int Tag;
        public Inner Inner;
        public float Scale;
        public long Stride;
    }

    private readonly record struct Small(byte Value);
}
