using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers;
using AttnKernels.Bench.Peers.OpenBlas;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Tests.Bench;

public class MatchTests
{
    private static readonly RunSettings Short = new(2, 1, 10);

    /// <summary>Small problems with everything the row-wise and the BLAS peers claim to support.</summary>
    public static TheoryData<string> Problems => ["plain", "causal", "window", "grouped", "decode", "cross", "matmul", "softmax"];

    [Theory]
    [MemberData(nameof(Problems))]
    public void PeersAgreeWithTheReference(string name)
    {
        using var threads = new WorkerThreads(2);
        List<IImplementation> peers = [new RowPeer<NaiveOperations>(threads), new RowPeer<TensorPrimitivesOperations>(threads)];
        if (OpenBlasLibrary.IsAvailable && name != "softmax") peers.Add(new OpenBlasPeer(threads));
        var match = new Match(Workload(name), Short, 2, () => true, _ => { });
        match.Run(peers, 1 << 20);
        match.Omissions.Should().BeEmpty();
        match.Measurements.Select(m => m.Implementation).Should().Equal(peers.Select(p => p.Name));
        match.Measurements.Should().OnlyContain(m => m.ErrorOverBound <= 1 && m.Times.Median > 0 && m.Gflops > 0 && m.Gbps > 0);
    }

    [Fact]
    public void TheLibraryIsMeasuredOnTheCpu()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using var ours = new DeviceImplementation(device);
        foreach (string name in Problems.Select(p => p.Data))
        {
            var match = new Match(Workload(name), Short, 2, () => true, _ => { });
            match.Run([ours], 1 << 20);
            match.Omissions.Should().BeEmpty();
            match.Measurements.Should().ContainSingle().Which.ErrorOverBound.Should().BeInRange(0, 1);
            match.Plan.Should().Contain("on cpu");
        }
    }

    /// <summary>Asked before and after each round; while it is not quiet before one, up to 20 times.</summary>
    [Theory]
    [InlineData("+ +  + +", 0, 2)]
    [InlineData("+ -  + +  + +", 0, 2)]
    [InlineData("-- + +  + +", 0, 2)]
    [InlineData("+ -  + -  + -  + -", 2, 2)]
    public void ADisturbedRoundIsRepeated(string answers, int disturbedRounds, int runs)
    {
        using var threads = new WorkerThreads(1);
        Queue<bool> quiet = new(answers.Where(c => c != ' ').Select(c => c == '+'));
        var match = new Match(Workload("plain"), new RunSettings(2, 0, 10), 1, quiet.Dequeue, _ => { });
        match.Run([new RowPeer<NaiveOperations>(threads)], 1 << 20);
        quiet.Should().BeEmpty();
        match.DisturbedRounds.Should().Be(disturbedRounds);
        match.Measurements.Should().ContainSingle().Which.Times.Count.Should().Be(runs);
    }

    [Fact]
    public void WhoFailsInItsTurnIsNamedAndTheOthersGoOn()
    {
        using var threads = new WorkerThreads(1);
        bool broken = false;
        var match = new Match(Workload("plain"), Short, 1, () => broken = true, _ => { });
        match.Run([new Breaking(new RowPeer<TensorPrimitivesOperations>(threads), () => broken), new RowPeer<NaiveOperations>(threads)], 1);
        match.Measurements.Should().ContainSingle().Which.Implementation.Should().Be("naive");
        match.Omissions.Should().Equal(new Omission("plain", "breaking", "in round 1: broken", true));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(99)]
    public void AWrongRowIsNotReported(int wrongRow)
    {
        using var threads = new WorkerThreads(1);
        var match = new Match(Workload("plain"), Short, 1, () => true, _ => { });
        match.Run([new Wrong(new RowPeer<NaiveOperations>(threads), wrongRow * Dim)], 1 << 20);
        match.Measurements.Should().BeEmpty();
        match.Omissions.Should().ContainSingle().Which.Should().Match<Omission>(o => o.IsFailure && o.Reason.Contains("wrong result"));
    }

    [Fact]
    public void WhatTakesTooLongIsLeftOutWithTheReason()
    {
        using var threads = new WorkerThreads(1);
        Workload large = WorkloadTable.All.Single(w => w.Name == "s8192");
        var naive = new RowPeer<NaiveOperations>(threads);
        naive.Candidates(large, out _).Should().ContainSingle().Which.ExpectedSeconds.Should().BeGreaterThan(10);
        naive.Candidates(WorkloadTable.All.Single(w => w.Name == "s2048-softcap"), out string reason).Should().BeEmpty();
        reason.Should().NotBeEmpty();
    }

    [Fact]
    public void WorkersTakeEveryItemOnce()
    {
        using var threads = new WorkerThreads(3);
        for (int repeat = 0; repeat < 50; repeat++)
        {
            var counts = new int[100];
            threads.For(counts.Length, i => Interlocked.Increment(ref counts[i]));
            counts.Should().OnlyContain(c => c == 1);
        }
    }

    private const int Dim = 24;

    private static Workload Workload(string name)
    {
        var plain = new AttentionProblem { Batch = 1, HeadsQ = 2, SeqQ = 100, SeqKv = 100, HeadDim = Dim };
        return name switch
        {
            "matmul" => new MatmulWorkload { Name = name, About = "", Problem = new MatmulProblem { M = 70, N = 33, K = 51 } },
            "softmax" => new SoftmaxWorkload
            {
                Name = name,
                About = "",
                Problem = new SoftmaxProblem { Rows = 60, Columns = 77 },
                Streaming = true,
            },
            _ => new AttentionWorkload
            {
                Name = name,
                About = "",
                Problem = name switch
                {
                    "causal" => plain with { Causal = CausalMask.TopLeft },
                    "window" => plain with { Causal = CausalMask.TopLeft, WindowLeft = 9 },
                    "grouped" => plain with { Batch = 2, HeadsQ = 6, HeadsKv = 2, Causal = CausalMask.BottomRight },
                    "decode" => plain with { HeadsQ = 6, HeadsKv = 2, SeqQ = 1, Causal = CausalMask.BottomRight },
                    "cross" => plain with { SeqQ = 65, SeqKv = 131, HeadDimV = 17 },
                    _ => plain,
                },
            },
        };
    }

    /// <summary>Another implementation whose runs fail from a moment on.</summary>
    private sealed class Breaking(IImplementation inner, Func<bool> isBroken) : IImplementation
    {
        public string Name => "breaking";

        public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason) =>
            [.. inner.Candidates(workload, out reason).Select(c => c with { Prepare = i => new BreakingRun(c.Prepare(i), isBroken) })];

        public void Dispose() => inner.Dispose();
    }

    private sealed class BreakingRun(Prepared inner, Func<bool> isBroken) : Prepared
    {
        public override void Run()
        {
            if (isBroken()) throw new InvalidOperationException("broken");
            inner.Run();
        }

        public override float[] Output() => inner.Output();

        protected override void Dispose(bool disposing) => inner.Dispose();
    }

    /// <summary>Another implementation with one element of its output changed.</summary>
    private sealed class Wrong(IImplementation inner, int index) : IImplementation
    {
        public string Name => "wrong";

        public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason) =>
            [.. inner.Candidates(workload, out reason).Select(c => c with { Prepare = input => new WrongRun(c.Prepare(input), index) })];

        public void Dispose() => inner.Dispose();
    }

    private sealed class WrongRun(Prepared inner, int index) : Prepared
    {
        public override void Run() => inner.Run();

        public override float[] Output()
        {
            float[] output = inner.Output();
            output[index] += 0.01f;
            return output;
        }

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}
