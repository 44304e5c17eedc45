using System.Text.RegularExpressions;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>Compiles every instantiation that a plan can choose to PTX, without a GPU.</summary>
public sealed partial class CodegenTests
{
    public static TheoryData<string> Names => [.. KernelCatalog.All.Select(entry => entry.Name)];

    [Fact]
    public void NamesAreUnique() => KernelCatalog.All.Select(entry => entry.Name).Should().OnlyHaveUniqueItems();

    [Theory]
    [MemberData(nameof(Names))]
    public void PtxHasNoLocalMemoryNoCallsNoGenericAccessAndNoPromises(string name)
    {
        string ptx = CompiledKernels.Get(name).Text;
        ptx.Should().NotContain(".local", "registers that are indexed at run time end in local memory");
        CallPattern().Matches(ptx).Should().BeEmpty("everything is inlined");
        GenericPattern().Matches(ptx).Should().BeEmpty("every load and store knows its address space");
        UniformPattern().Matches(ptx).Should().BeEmpty("ILGPU promises of branches what lanes do not keep");
    }

    [Fact]
    public void Float16IsWidenedByOneInstruction()
    {
        string ptx = CompiledKernels.Get(KernelCatalog.All.First(e => e.Name.StartsWith("FlashDecode fp16",
            StringComparison.Ordinal))).Text;
        ptx.Should().Contain("cvt.f32.f16");
    }

    [GeneratedRegex(@"^\s*call", RegexOptions.Multiline)]
    private static partial Regex CallPattern();

    [GeneratedRegex(@"@!?%p\d+\s+bra\.uni")]
    private static partial Regex UniformPattern();

    [GeneratedRegex(@"\b(ld|st)\.(v[24]\.)?[bfsu]\d+")]
    private static partial Regex GenericPattern();
}
