using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>A kernel's text depends on the kernel alone: what is checked and kept is what every process runs.</summary>
public sealed class KernelTranslationTests
{
    private const string Softmax = "FusedSoftmax fp32->fp32 16x16 lanes PlainScore";
    private const string OtherSoftmax = "FusedSoftmax fp32->fp32 1x256 lanes PlainScore";

    /// <summary>With all methods of a kernel optimised together, the second of each pair differs from what it is alone.</summary>
    [Theory]
    [InlineData(Softmax, OtherSoftmax)]
    [InlineData("TiledMatmul fp32xfp32->fp32 64x64x8", "TiledMatmul fp32xfp32->fp32 64x64x8 activation")]
    public void TheTextIsTheSameAloneAndAfterOthers(string first, string second)
    {
        using PtxCompiler one = new();
        string before = Compile(one, first), after = Compile(one, second);
        using PtxCompiler other = new();
        Compile(other, second).Should().Be(after);
        Compile(other, first).Should().Be(before);
    }

    /// <summary>The second kernel finds the first one's context, the third a new one.</summary>
    [Fact]
    public void TheTextIsTheSameInAContextThatTakesTurns()
    {
        using PtxCompiler renewed = new(kernelsPerContext: 2), lasting = new();
        foreach (string name in (string[])[Softmax, OtherSoftmax, Softmax, OtherSoftmax, OtherSoftmax])
            Compile(renewed, name).Should().Be(Compile(lasting, name), name);
    }

    [Fact]
    public void AKernelThatCannotBeCompiledSpoilsNoOther()
    {
        using PtxCompiler compiler = new(), fresh = new();
        Compile(compiler, Softmax);
        for (int n = 0; n < 2; n++)
            compiler.Invoking(c => c.Compile(new KernelEntry<int>("throws", Throws, 32, 0))).Should().Throw<InternalCompilerException>();
        Compile(compiler, OtherSoftmax).Should().Be(Compile(fresh, OtherSoftmax));
    }

    private static void Throws(int args)
    {
        if (Group.IdxX > args) throw new InvalidOperationException();
    }

    private static string Compile(PtxCompiler compiler, string name) =>
        compiler.Compile(KernelCatalog.All.Single(entry => entry.Name == name)).Text;
}
