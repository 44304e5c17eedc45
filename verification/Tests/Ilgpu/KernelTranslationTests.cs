using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>A kernel's text depends on the kernel alone: what is checked and kept is what every process runs.</summary>
public sealed class KernelTranslationTests
{
    /// <summary>With all methods of a kernel optimised together, the second of each pair differs from what it is alone.</summary>
    [Theory]
    [InlineData("FusedSoftmax fp32->fp32 16x16 lanes PlainScore", "FusedSoftmax fp32->fp32 1x256 lanes PlainScore")]
    [InlineData("TiledMatmul fp32xfp32->fp32 64x64x8", "TiledMatmul fp32xfp32->fp32 64x64x8 activation")]
    public void TheTextIsTheSameAloneAndAfterOthers(string first, string second)
    {
        using PtxCompiler one = new();
        string before = Compile(one, first), after = Compile(one, second);
        using PtxCompiler other = new();
        Compile(other, second).Should().Be(after);
        Compile(other, first).Should().Be(before);
    }

    private static string Compile(PtxCompiler compiler, string name) =>
        compiler.Compile(KernelCatalog.All.Single(entry => entry.Name == name)).Text;
}
