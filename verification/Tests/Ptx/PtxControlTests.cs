using AttnKernels.Verification.Ptx;

namespace AttnKernels.Tests.Ptx;

/// <summary>
/// Branches, barriers and memory of the machine that runs PTX: what is right gives the right numbers, what is wrong is named.
/// </summary>
public sealed class PtxControlTests
{
    private const string OneLaneLess = "setp.ge.s32 %p1, %r1, 31;\n@%p1 bra L_1;\n";

    [Fact]
    public void LanesThatPartMeetAgain()
    {
        uint[] got = PtxBench.Lanes(
            """
            setp.lt.s32 %p1, %r1, 10;
            @%p1 bra L_1;
            mov.b32 %r2, 100;
            bra.uni L_2;
            L_1:
            mov.b32 %r2, 200;
            L_2:
            shfl.sync.idx.b32 %r3, %r2, 0, 31, 4294967295;
            add.s32 %r2, %r2, %r3;
            """,
            "%r2");
        got.Should().Equal(Enumerable.Range(0, 32).Select(lane => lane < 10 ? 400u : 300u));
    }

    [Fact]
    public void EachLaneLeavesALoopOnItsOwn()
    {
        uint[] got = PtxBench.Lanes(
            """
            mov.b32 %r2, 0;
            mov.b32 %r3, 0;
            L_1:
            setp.ge.s32 %p1, %r3, %r1;
            @%p1 bra L_2;
            add.s32 %r3, %r3, 1;
            add.s32 %r2, %r2, %r3;
            bra.uni L_1;
            L_2:
            shfl.sync.bfly.b32 %r4, %r2, 0, 31, 4294967295;
            """,
            "%r4");
        got.Should().Equal(Enumerable.Range(0, 32).Select(lane => (uint)(lane * (lane + 1) / 2)));
    }

    [Fact]
    public void LanesThatHaveEndedWriteNoMore()
    {
        uint[] got = PtxBench.Run("setp.lt.s32 %p1, %r1, 5;\n@%p1 ret;\nmov.b32 %r2, 7;\nst.global.b32 [%rd2], %r2;", new uint[64], 64);
        got.Should().Equal(Enumerable.Range(0, 64).Select(lane => lane < 5 ? 0u : 7u));
    }

    [Fact]
    public void AGuardKeepsLanesFromAnInstruction()
    {
        uint[] got = PtxBench.Lanes(
            "mov.b32 %r2, 1;\nsetp.eq.s32 %p1, %r1, 3;\n@%p1 mov.b32 %r2, 2;\n@!%p1 add.s32 %r2, %r2, 4;", "%r2");
        got.Should().Equal(Enumerable.Range(0, 32).Select(lane => lane == 3 ? 2u : 5u));
    }

    [Fact]
    public void WarpsSeeEachOthersWordsBehindABarrier()
    {
        uint[] got = PtxBench.Run(
            Store + "bar.sync 0;\n" + LoadNeighbour + "st.global.b32 [%rd2], %r4;", new uint[128], 128);
        got.Should().Equal(Enumerable.Range(0, 128).Select(lane => (uint)(lane ^ 32)));
    }

    [Fact]
    public void GroupsKnowTheirPlace()
    {
        uint[] got = PtxBench.Run(
            """
            mov.b32 %r2, %ctaid.x;
            mov.b32 %r3, %ntid.x;
            mul.lo.s32 %r4, %r2, %r3;
            mul.wide.u32 %rd3, %r4, 4;
            add.u64 %rd2, %rd2, %rd3;
            st.global.b32 [%rd2], %r2;
            """,
            new uint[192], 64, 3);
        got.Should().Equal(Enumerable.Range(0, 192).Select(n => (uint)(n / 64)));
    }

    [Fact]
    public void ABarrierTellsWhetherAnyLaneHadIt()
    {
        uint[] got = PtxBench.Run(
            """
            setp.eq.s32 %p1, %r1, 40;
            bar.red.or.pred %p2, 0, %p1;
            setp.eq.s32 %p1, %r1, 400;
            bar.red.or.pred %p3, 0, %p1;
            selp.b32 %r2, 1, 0, %p2;
            selp.b32 %r3, 2, 0, %p3;
            add.s32 %r2, %r2, %r3;
            st.global.b32 [%rd2], %r2;
            """,
            new uint[64], 64);
        got.Should().OnlyContain(word => word == 1);
    }

    [Fact]
    public void CopiesArriveWhenTheyAreWaitedFor()
    {
        uint[] memory = [.. Enumerable.Range(1, 32).Select(n => (uint)n)];
        uint[] got = PtxBench.Run(
            """
            mov.b64 %rd3, tile;
            setp.ge.s32 %p1, %r1, 2;
            @%p1 bra L_1;
            mul.wide.u32 %rd4, %r1, 16;
            add.u64 %rd5, %rd3, %rd4;
            add.u64 %rd6, %rd1, %rd4;
            cp.async.cg.shared.global [%rd5], [%rd6], 16, 16;
            cp.async.commit_group;
            cp.async.cg.shared.global [%rd5+32], [%rd6], 16, 0;
            cp.async.commit_group;
            cp.async.wait_group 1;
            ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%rd5];
            cp.async.wait_all;
            ld.shared.b32 %r6, [%rd5+40];
            st.global.v4.b32 [%rd6], {%r5, %r4, %r3, %r6};
            L_1:
            """,
            memory);
        got.Take(8).Should().Equal(4, 3, 2, 0, 8, 7, 6, 0);
    }

    [Theory]
    [InlineData("a promise of .uni that is not kept", "setp.eq.s32 %p1, %r1, 0;\n@%p1 bra.uni L_1;\nL_1:", "(.uni)")]
    [InlineData("a barrier that a lane goes around", OneLaneLess + "bar.sync 0;\nL_1:", "31 lanes")]
    [InlineData("a shuffle that a lane goes around", OneLaneLess + "shfl.sync.idx.b32 %r2, %r1, 0, 31, 4294967295;\nL_1:", "31 lanes")]
    [InlineData("a lane that is not there", "shfl.sync.idx.b32 %r2, %r1, 32, 31, 4294967295;", "lane 32")]
    [InlineData("memory of nobody", "ld.global.b32 %r2, [%rd2+4];", "no buffer's")]
    [InlineData("an address that is not aligned", "ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd2];", "not aligned")]
    [InlineData("shared memory past its end", "mov.b64 %rd3, tile;\nld.shared.b32 %r2, [%rd3+4096];", "has 4096")]
    [InlineData("shared memory before its start", "mov.b64 %rd3, tile;\nadd.s64 %rd3, %rd3, -4;\nld.shared.b32 %r2, [%rd3];", "has 4096")]
    [InlineData("memory at the end of all addresses", "mov.b64 %rd3, -4;\nld.global.b32 %r2, [%rd3];", "no buffer's")]
    [InlineData("a barrier of some warps", "bar.sync 0, 32;", "does not know")]
    [InlineData("too few operands", "add.s32 %r2, %r1;", "too few")]
    [InlineData("a label that is not there", "bra.uni L_9;", "label")]
    [InlineData("a loop without an end", "L_1:\nsetp.lt.s32 %p1, %r1, 1;\n@%p1 bra L_1;\nbra.uni L_1;", "returns")]
    [InlineData("a word that nobody wrote", "mov.b64 %rd3, tile;\nld.shared.b32 %r2, [%rd3];", "nobody has written")]
    [InlineData("no instruction", "add.s16 %r2, %r1, %r1;", "does not know")]
    [InlineData("no operand", "add.s32 %r2, %r1, seven;", "seven")]
    [InlineData("no register", "add.s32 %r2, %r1, %r900;", "%r900")]
    public void IsNamed(string what, string body, string message)
    {
        Action run = () => PtxBench.Run(body, new uint[32]);
        run.Should().Throw<PtxFaultException>(what).WithMessage($"*{message}*");
    }

    private const string Store =
        "mov.b64 %rd3, tile;\nmul.wide.u32 %rd4, %r1, 4;\nadd.u64 %rd5, %rd3, %rd4;\nst.shared.b32 [%rd5], %r1;\n";

    private const string LoadNeighbour =
        "xor.b32 %r3, %r1, 32;\nmul.wide.u32 %rd6, %r3, 4;\nadd.u64 %rd7, %rd3, %rd6;\nld.shared.b32 %r4, [%rd7];\n";

    private const string LoadBeside =
        "xor.b32 %r3, %r1, 1;\nmul.wide.u32 %rd6, %r3, 4;\nadd.u64 %rd7, %rd3, %rd6;\nld.shared.b32 %r4, [%rd7];\n";

    private const string StoreNeighbour =
        "xor.b32 %r3, %r1, 32;\nmul.wide.u32 %rd6, %r3, 4;\nadd.u64 %rd7, %rd3, %rd6;\nst.shared.b32 [%rd7], %r1;\n";

    private const string Copy = "mov.b64 %rd3, tile;\nmul.wide.u32 %rd4, %r1, 16;\nadd.u64 %rd5, %rd3, %rd4;\nadd.u64 %rd6, %rd1, %rd4;\n" +
        "cp.async.cg.shared.global [%rd5], [%rd6], 16, 16;\n";

    [Theory]
    [InlineData("read after write", Store + LoadBeside, "reads what lane")]
    [InlineData("write after write", Store + StoreNeighbour, "writes what lane")]
    [InlineData("write after read", Store + "bar.sync 0;\n" + LoadBeside + Store, "writes what lane")]
    [InlineData("read of a row that its lane has stored, for others",
        "mov.b64 %rd3, tile;\nmul.wide.u32 %rd4, %r1, 16;\nadd.u64 %rd5, %rd3, %rd4;\nst.shared.v4.b32 [%rd5], {%r1, %r1, %r1, %r1};\n" +
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%rd5];", "another lane reads")]
    [InlineData("read of a copy under way", Copy + "ld.shared.b32 %r2, [%rd5];", "not waited for")]
    [InlineData("read of a neighbour's copy behind its wait, but no barrier",
        Copy + "cp.async.wait_all;\nxor.b32 %r3, %r1, 1;\nmul.wide.u32 %rd6, %r3, 16;\nadd.u64 %rd7, %rd3, %rd6;\n" +
        "ld.shared.b32 %r4, [%rd7];",
        "reads what lane")]
    [InlineData("wait for the older copies, read of the newer",
        Copy + "cp.async.commit_group;\ncp.async.wait_group 1;\nld.shared.b32 %r2, [%rd5];", "not waited for")]
    public void RacesAreNamed(string what, string body, string message)
    {
        Action run = () => PtxBench.Run(body, new uint[256], 64);
        run.Should().Throw<PtxFaultException>(what).WithMessage($"*{message}*");
    }

    [Fact]
    public void LanesPartWithinLanesThatHaveParted()
    {
        uint[] got = PtxBench.Lanes(
            """
            mov.b32 %r2, 0;
            mov.b32 %r3, 0;
            L_1:
            add.s32 %r3, %r3, 1;
            and.b32 %r4, %r3, 1;
            setp.eq.s32 %p1, %r4, 0;
            @%p1 bra L_2;
            add.s32 %r2, %r2, 10;
            setp.gt.s32 %p2, %r1, 15;
            @%p2 bra L_3;
            add.s32 %r2, %r2, 1;
            L_3:
            bra.uni L_4;
            L_2:
            add.s32 %r2, %r2, 100;
            L_4:
            setp.lt.s32 %p3, %r3, %r1;
            @%p3 bra L_1;
            """,
            "%r2");
        got.Should().Equal(Enumerable.Range(0, 32).Select(lane =>
        {
            int rounds = Math.Max(lane, 1);
            return (uint)((rounds + 1) / 2 * (lane > 15 ? 10 : 11) + rounds / 2 * 100);
        }));
    }

    [Fact]
    public void AGroupThatEndsWithCopiesUnderWayLeavesTheNextInPeace()
    {
        uint[] got = PtxBench.Run(
            Copy + "mov.b32 %r2, %ctaid.x;\nst.global.b32 [%rd2], %r2;", [.. Enumerable.Repeat(9u, 128)], 32, 5);
        got.Take(32).Should().OnlyContain(word => word < 5);
    }

    [Fact]
    public void AWarpThatGoesAroundABarrierIsNamed()
    {
        Action run = () => PtxBench.Run("setp.ge.s32 %p1, %r1, 32;\n@%p1 bra L_1;\nbar.sync 0;\nL_1:", new uint[64], 64);
        run.Should().Throw<PtxFaultException>().WithMessage("*waits at*warp 1 has ended*");
    }
}
