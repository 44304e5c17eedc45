using AttnKernels.Devices.Ilgpu;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>The edits of PTX text, on text: no GPU and no compiler is needed.</summary>
public sealed class PtxTextTests
{
    private const string Module = """
        .version 7.0
        .target sm_80
        .address_size 64

        .visible .entry Kernel_Kernel(
        	.param .align 8 .b8 _par_10[24]
        )
        {
        	.shared .align 4 .b8 __shared_alloca1[20];
        	.shared .align 16 .b8 __shared_alloca12[65536];
        	mov.u64 %rd1, __shared_alloca1;
        	mov.u64 %rd2, __shared_alloca12;
        	@!%p1 bra.uni L_1;
        	@%p12 bra.uni L_1;
        	bra.uni L_1;
        L_1:
        	ret;
        }
        """;

    [Theory]
    [InlineData(8, 0, ".version 7.0", ".target sm_80")]
    [InlineData(8, 6, ".version 7.0", ".target sm_86")]
    [InlineData(8, 9, ".version 7.8", ".target sm_89")]
    [InlineData(9, 0, ".version 7.8", ".target sm_90")]
    [InlineData(12, 0, ".version 7.8", ".target sm_90")]
    [InlineData(7, 5, ".version 7.0", ".target sm_75")]
    public void TheTargetIsTheDevicesOwnUpToSm90(int major, int minor, string version, string target) =>
        PtxText.Retarget(Module, major, minor).Should().Contain(version + "\n").And.Contain(target + "\n");

    [Fact]
    public void NamesAreNumberedAsTheyAppear() =>
        PtxText.NumberNames(
                ".target sm_80\n.func (retval_94) Load_94(_x_96, _x_2_97)\nL_9408:\n@%p2 bra L_9401;\n"
                + "mov.u64 %rd94, __shared_alloca12;\nld _x_96, _x_2_97, 94;")
            .Should().Be(
                ".target sm_80\n.func (retval_0) Load_0(_x_1, _x_2_2)\nL_3:\n@%p2 bra L_4;\n"
                + "mov.u64 %rd94, __shared_alloca12;\nld _x_1, _x_2_2, 94;");

    [Fact]
    public void ANewerVersionStays() =>
        PtxText.Retarget(Module.Replace("7.0", "8.10", StringComparison.Ordinal), 9, 0).Should().Contain(".version 8.10\n");

    [Fact]
    public void OnlyConditionalBranchesLoseUni()
    {
        string text = PtxText.RemoveUniform(Module);
        text.Should().Contain("@!%p1 bra L_1;").And.Contain("@%p12 bra L_1;").And.Contain("\tbra.uni L_1;");
    }

    [Fact]
    public void LoopsAreKeptByTheWholeModule() =>
        PtxText.KeepLoops(Module).Should().Be(
            Module.Replace(".address_size 64\n", ".address_size 64\n.pragma \"nounroll\";\n", StringComparison.Ordinal));

    [Fact]
    public void OnlyPowersFlush() =>
        PtxText.FlushPowers("\tex2.approx.f32\t%f2, %f1;\n\tlg2.approx.f32\t%f3, %f2;").Should()
            .Be("\tex2.approx.ftz.f32\t%f2, %f1;\n\tlg2.approx.f32\t%f3, %f2;");

    [Fact]
    public void ALaunchBoundStandsBetweenParametersAndBody()
    {
        PtxText.BoundLaunch(Module, 128, 2).Should().Contain(")\n.maxntid 128, 1, 1\n.minnctapersm 2\n{");
        PtxText.BoundLaunch(Module, 128, 0).Should().Contain(")\n.maxntid 128, 1, 1\n{").And.NotContain("minnctapersm");
    }

    [Fact]
    public void SharedArraysLieOneAfterTheOtherInTheDynamicOne()
    {
        string text = PtxText.MoveToDynamicShared(Module, out int bytes);

        bytes.Should().Be(32 + 65536, "the second array starts at a multiple of its alignment");
        text.Should().Contain(".extern .shared .align 16 .b8 sharedMemory[];\n\n.visible .entry")
            .And.Contain("mov.u64 %rd1, sharedMemory+0;")
            .And.Contain("mov.u64 %rd2, sharedMemory+32;")
            .And.NotContain("__shared_alloca");
    }

    [Fact]
    public void AModuleWithoutSharedArraysStays()
    {
        string plain = PtxText.RemoveUniform("// nothing shared");
        PtxText.MoveToDynamicShared(plain, out int bytes).Should().Be(plain);
        bytes.Should().Be(0);
    }

    [Fact]
    public void TheEntryIsReadBack()
    {
        PtxText.EntryName(Module).Should().Be("Kernel_Kernel");
        PtxText.ParameterBytes(Module).Should().Be(24);
        ((Action)(() => PtxText.EntryName("no module"))).Should().Throw<FormatException>();
    }
}
