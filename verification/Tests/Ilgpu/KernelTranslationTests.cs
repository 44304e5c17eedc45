using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>A kernel's text depends on the kernel alone: what is checked and kept is what every process runs.</summary>
public sealed class KernelTranslationTests
{
    private const string Softmax = "FusedSoftmax fp32->fp32 16x16 lanes PlainScore";
    private const string OtherSoftmax = "FusedSoftmax fp32->fp32 1x256 lanes PlainScore";

    /// <summary>
    /// In one context for both the second of each pair would differ from what it is alone, by how shared callees are inlined.
    /// </summary>
    [Theory]
    [InlineData(Softmax, OtherSoftmax)]
    [InlineData("TiledMatmul fp32xfp32->fp32 64x64x8", "TiledMatmul fp32xfp32->fp32 64x64x8 activation")]
    public void TheTextIsTheSameAloneAndAfterOthers(string first, string second)
    {
        PtxCompiler one = new(), other = new();
        string before = Compile(one, first), after = Compile(one, second);
        Compile(other, second).Should().Be(after);
        Compile(other, first).Should().Be(before);
    }

    /// <summary>Both keep a structure of 96 floats in registers. In one context ILGPU takes the two for one, as it met it first.</summary>
    [Fact]
    public void StructuresWithTheSameFieldsStayApart()
    {
        PtxCompiler compiler = new();
        Compile(compiler, "TensorFlashForward fp16 128x32 D<=96 GeneralScore").Should().NotContain(".local");
        Compile(compiler, "FlashDecode fp16 8 rows D<=128 PlainScore").Should().NotContain(".local");
    }

    [Fact]
    public void AKernelThatCannotBeCompiledSpoilsNoOther()
    {
        PtxCompiler compiler = new();
        string before = Compile(compiler, Softmax);
        for (int n = 0; n < 2; n++)
            compiler.Invoking(c => c.Compile(new KernelEntry<int>("throws", Throws, 32, 0))).Should().Throw<InternalCompilerException>();
        Compile(compiler, Softmax).Should().Be(before);
    }

    private static void Throws(int args)
    {
        if (Group.IdxX > args) throw new InvalidOperationException();
    }

    private static string Compile(PtxCompiler compiler, string name) =>
        compiler.Compile(KernelCatalog.All.Single(entry => entry.Name == name)).Text;
}
