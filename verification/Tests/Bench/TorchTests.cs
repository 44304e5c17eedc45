using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers;
using AttnKernels.Bench.Peers.Torch;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Tests.Bench;

/// <summary>What PyTorch's worker answers, and what a worker that fails does to a run.</summary>
public class TorchTests
{
    private static readonly RunSettings Short = new(2, 1, 10);

    private static readonly AttentionProblem Square = new() { Batch = 1, HeadsQ = 2, SeqQ = 65, SeqKv = 65, HeadDim = 64 };

    private static readonly AttentionProblem Grouped = new()
    {
        Batch = 1,
        HeadsQ = 8,
        HeadsKv = 2,
        SeqQ = 1,
        SeqKv = 200,
        HeadDim = 128,
        Causal = CausalMask.BottomRight,
    };

    /// <summary>With PyTorch; on a GPU with each backend of its attention.</summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("cuda:0")]
    public void EveryBackendAgreesOrSaysWhyNot(string device)
    {
        using TorchWorker worker = OpenOrSkip(device);
        IReadOnlyList<string> backends = worker.IsCuda ? TorchPeer.Backends : [""];
        List<IImplementation> peers = [.. backends.Select(backend => new TorchPeer(worker, backend))];
        DType[] types = worker.IsCuda ? [DType.Float32, DType.Float16, DType.BFloat16] : [DType.Float32];
        var measured = new List<(string Workload, string Peer, DType Type)>();
        foreach (Workload workload in Workloads().SelectMany(w => types.Where(w.Takes).Select(w.WithType)))
        {
            var match = new Match(workload, Short, 1, () => true, _ => { });
            match.Run(peers, 1 << 10);
            match.Omissions.Where(o => o.IsFailure || o.Reason.Length == 0).Should().BeEmpty();
            match.Measurements.Should().NotBeEmpty().And.OnlyContain(m => m.ErrorOverBound <= 1 && m.Times.Median > 0);
            measured.AddRange(match.Measurements.Select(m => (workload.Name, m.Implementation, workload.Type)));
        }
        if (!worker.IsCuda) return;
        measured.Should().Contain(("matmul-tf32", "pytorch-tf32", DType.Float32));
        measured.Should().Contain(("plain", "pytorch-efficient", DType.Float32));
        foreach (string name in (string[])["plain", "causal", "draft", "decode", "decode-16"])
            measured.Should().Contain((name, "pytorch-flash", DType.Float16)).And.Contain((name, "pytorch-math", DType.Float32));
    }

    [Fact]
    public void CeilingsAreProbedOnTheGpu()
    {
        using TorchWorker worker = OpenOrSkip("cuda:0");
        DeviceInfo debugging = AttentionDevice.List().First(d => d.Kind is not DeviceKind.Cpu && !d.IsGpu);
        using AttentionDevice device = AttentionDevice.Open(debugging.Name);
        IImplementation[] peers = [.. TorchPeer.Backends.Select(backend => new TorchPeer(worker, backend))];
        using var ceilings = new GpuCeilings(device, peers, DType.Float32, asksForTf32: true);
        ICeilings all = ceilings;
        all.Probe();
        all.Current.Should().Match<Ceiling>(c => c.Gflops > 0 && c.Tf32Gflops > 0 && c.CopyGbps > 0);
    }

    [Theory]
    [InlineData("print('{\"refused\": \"no such heads\"}', flush=True)", "not applicable: no such heads", false)]
    [InlineData("print('{\"error\": \"OutOfMemoryError: all of it\"}', flush=True)", "OutOfMemoryError: all of it", true)]
    [InlineData("sys.exit(1)", "the PyTorch worker has ended", true)]
    public void WhatFailsIsNamedAndTheOthersGoOn(string answer, string reason, bool isFailure)
    {
        using TorchWorker worker = ScriptedOrSkip($"    if request['op'] == 'time': {answer}; continue");
        Match match = Run(worker);
        match.Measurements.Should().ContainSingle().Which.Implementation.Should().Be("naive");
        match.Omissions.Should().Equal(new Omission("plain", "pytorch-math (sdpa)", reason, isFailure));
    }

    [Fact]
    public void AWorkerThatEndsBetweenItsTurnsIsNamed()
    {
        // The first time is the check's; wrong results would end it there.
        using TorchWorker worker = ScriptedOrSkip("    if request['op'] == 'output': sys.exit(1)");
        Run(worker).Omissions.Should().ContainSingle().Which.Reason.Should().Be("the PyTorch worker has ended");
    }

    [Fact]
    public void OneThatRefusesAtOnceHasAReason()
    {
        if (!HasPython()) Assert.Skip("There is no python3 here.");
        string script = Script("    print('{\"error\": \"RuntimeError: no CUDA\"}', flush=True)");
        FluentActions.Invoking(() => new TorchWorker(script, 1, "cuda:0")).Should().Throw<TorchException>().WithMessage("*no CUDA");
        File.Delete(script);
    }

    [Fact]
    public void EfficientAttentionOfFp32IsThreeProductsOfTf32()
    {
        using TorchWorker worker = ScriptedOrSkip("    pass");
        Candidate Of(string backend, DType type) =>
            new TorchPeer(worker, backend).Candidates(Workloads()[0].WithType(type), out _).Should().ContainSingle().Subject;
        Of("efficient", DType.Float32).Should().Match<Candidate>(
            c => c.Form == "sdpa, 3xTF32" && c.Multiplies == InputPrecision.Tf32x3);
        Of("efficient", DType.Float16).Should().Match<Candidate>(c => c.Form == "sdpa" && c.Multiplies == InputPrecision.Ieee);
        Of("math", DType.Float32).Multiplies.Should().Be(InputPrecision.Ieee);
    }

    private static Match Run(TorchWorker worker)
    {
        using var threads = new WorkerThreads(1);
        var match = new Match(Workloads()[0], Short, 1, () => true, _ => { });
        match.Run([new TorchPeer(worker, "math"), new RowPeer<NaiveOperations>(threads)], 1 << 10);
        return match;
    }

    private static Workload[] Workloads() =>
    [
        Attention("plain", Square),
        Attention("causal", Square with { Causal = CausalMask.TopLeft }),
        Attention("window", Square with { Causal = CausalMask.TopLeft, WindowLeft = 9 }),
        Attention("cross", Square with { SeqQ = 33, Causal = CausalMask.TopLeft }),
        Attention("draft", Grouped with { SeqQ = 4 }),
        Attention("decode", Grouped),
        Attention("decode-16", Grouped with { Batch = 16 }),
        Attention("three-parts", Square with { InputPrecision = InputPrecision.Tf32x3 }),
        Matmul("matmul", InputPrecision.Ieee),
        Matmul("matmul-tf32", InputPrecision.Tf32),
        new SoftmaxWorkload { Name = "softmax", About = "", Problem = new SoftmaxProblem { Rows = 60, Columns = 77 } },
    ];

    private static AttentionWorkload Attention(string name, AttentionProblem problem) =>
        new() { Name = name, About = "", Problem = problem };

    private static MatmulWorkload Matmul(string name, InputPrecision precision) => new()
    {
        Name = name,
        About = "",
        Problem = new MatmulProblem { M = 70, N = 40, K = 64, InputPrecision = precision },
    };

    private static TorchWorker OpenOrSkip(string device)
    {
        if (!TorchWorker.IsAvailable()) Assert.Skip($"python3 has no torch and numpy here ({TorchWorker.HowToGet}).");
        try
        {
            return new TorchWorker(Path.Combine(Folder(), "..", "..", "..", "bench", "Peers", "Torch", "worker.py"), 1, device);
        }
        catch (TorchException e)
        {
            Assert.Skip($"PyTorch does not open {device}: {e.Message}");
            throw;
        }
    }

    /// <summary>A worker that says hello, prepares and releases, and for the rest does what <paramref name="more"/> says.</summary>
    private static TorchWorker ScriptedOrSkip(string more)
    {
        if (!HasPython()) Assert.Skip("There is no python3 here.");
        string script = Script($$"""
                if request["op"] == "hello": print('{"version": "0", "device": "none", "tensorCores": true}', flush=True)
                if request["op"] in ("prepare", "release"): print("{}", flush=True)
            {{more}}
                if request["op"] == "time": print('{"ms": 1.5}', flush=True)
            """);
        try
        {
            return new TorchWorker(script, 1, "cuda:0");
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static string Script(string body)
    {
        string script = Path.GetTempFileName();
        File.WriteAllText(script, $"import json, sys\nfor line in sys.stdin:\n    request = json.loads(line)\n{body}\n");
        return script;
    }

    private static bool HasPython()
    {
        try
        {
            using Process python = Process.Start(new ProcessStartInfo("python3", "--version") { RedirectStandardOutput = true })!;
            python.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
