using System.Xml.Linq;
using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers.Torch;
using AttnKernels.Bench.Report;
using AttnKernels.Bench.Report.Charts;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Tests.Bench;

/// <summary>Against what fp32 that is multiplied as TF32 is held.</summary>
public class CeilingTests
{
    private static readonly Ceiling Large = new(50, 3, 3) { Tf32Gflops = 390 };

    /// <summary>Three products of TF32 stand for one operation; where TF32 was not measured, or is slower, fp32 may be used.</summary>
    [Theory]
    [InlineData(390.0, 50, 130, 390)]
    [InlineData(90.0, 50, 50, 90)]
    [InlineData(null, 50, 50, 50)]
    public void EachWayToMultiplyHasItsCeiling(double? tf32, double ieee, double inThreeParts, double whole)
    {
        Ceiling ceiling = Large with { Tf32Gflops = tf32 };
        ceiling.GflopsAs(InputPrecision.Ieee).Should().Be(ieee);
        ceiling.GflopsAs(InputPrecision.Tf32x3).Should().Be(inThreeParts);
        ceiling.GflopsAs(InputPrecision.Tf32).Should().Be(whole);
    }

    [Fact]
    public void AMeasurementIsHeldAgainstWhatItMultipliesAs()
    {
        // 2 * 100^3 operations in 1/32,500 ms are 65 GFLOP/s.
        var workload = new MatmulWorkload
        {
            Name = "m",
            About = "",
            Problem = new MatmulProblem { M = 100, N = 100, K = 100, InputPrecision = InputPrecision.Tf32x3 },
        };
        var ceiling = new Ceiling(50, 1e6, 1e6) { Tf32Gflops = 390 };
        var asAsked = new Measurement(workload, "a", "", 1, Statistics.Of([2e6 / 65 / 1e6]), 0);
        asAsked.PercentOf(ceiling).Should().BeApproximately(50, 1e-9);
        (asAsked with { Multiplies = InputPrecision.Ieee }).PercentOf(ceiling).Should().BeApproximately(130, 1e-9);
    }

    [Fact]
    public void TheReportNamesTheCeilingAndDrawsIt()
    {
        BenchRecord[] records =
        [
            .. Samples.Records.Take(3), Samples.Records[0] with { Workload = BenchRecord.Tf32Ceiling, Gflops = 1800 },
            Of("plain", 160, 80), Of("whole", 900, 50), Of("parts", 450, 75), Of("decode", 60, 75) with { Gbps = 30 },
        ];
        ReportDocument report = Report(RecordFile.FromJson(RecordFile.ToJson(records)));
        ReportTables.Summary(report).Rows.Select(r => r[5]).Should().Equal("80 % FMA", "50 % TF32", "75 % 3xTF32", "75 % read");
        ReportTables.Ceilings(report).Rows[^1].Should().Equal("tf32", "a probe", "2", "1800 GFLOP/s");
        Ceiling ceiling = CeilingValues.For(report.Records, 2, "fp32")!.Value;
        XElement roof = XElement.Parse(RooflineChart.Draw(report.Records, ceiling));
        roof.Descendants().Count(e => e.Name.LocalName == "polyline").Should().Be(3);
        roof.Value.Should().Contain("TF32 1800 GFLOP/s").And.Contain("3xTF32 600 GFLOP/s").And.Contain("FMA 200 GFLOP/s");
        HtmlReport.Page(report).Should().Contain("3xTF32 ceiling");
        CeilingValues.For(report.Records, 2, "fp16")!.Value.Tf32Gflops.Should().BeNull("it is fp32's");
    }

    /// <summary>Results from before TF32 had a ceiling.</summary>
    [Fact]
    public void OlderResultsKeepWhatTheySay()
    {
        ReportDocument report = Report([.. Samples.Records.Take(3), Of("whole", 900, 450)]);
        ReportTables.Summary(report).Rows[0][5].Should().Be("450 % FMA");
        CeilingValues.For(report.Records, 2, "fp32").Should().Be(new Ceiling(200, 40, 50));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OnlyWhoMultipliesThatWayCountsAndWhoFailsDoesNot(bool asksForTf32)
    {
        // One that fails at once or later is left out, and so is one that answers a request for TF32 in fp32.
        DeviceInfo debugging = AttentionDevice.List().First(d => d.Kind is not DeviceKind.Cpu && !d.IsGpu);
        using AttentionDevice device = AttentionDevice.Open(debugging.Name);
        Peer first = new(1, InputPrecision.Ieee), tensor = new(0.1, InputPrecision.Tf32), broken = new(0.001, null) { FailsAt = 1 };
        Peer fading = new(0.5, null) { FailsAt = 3 };
        using var ceilings = new GpuCeilings(device, [first, tensor, broken, fading], DType.Float32, asksForTf32);
        ICeilings all = ceilings;
        all.Probe();
        double operations = 2.0 * 64 * 64 * 64 / 1e6;
        all.Current.Gflops.Should().BeApproximately(operations / 0.5, 1e-9, "the fading one's second run is its first timed one");
        all.Probe();
        all.Arithmetic.P20.Should().BeLessThan(operations / 0.5, "it has failed");
        if (asksForTf32) all.Current.Tf32Gflops.Should().BeApproximately(operations / 0.1, 1e-9);
        else all.Tf32.Should().BeNull();
        first.Entered.Should().Be(1, "it multiplies as fp32 whatever is asked");
        tensor.Entered.Should().Be(asksForTf32 ? 1 : 0);
        broken.Disposed.Should().Be(broken.Entered);
        fading.Disposed.Should().Be(fading.Entered);
    }

    private static ReportDocument Report(IReadOnlyList<BenchRecord> records) => new(Samples.Device, "", records, [], [], [], []);

    private static BenchRecord Of(string workload, double gflops, double percent) =>
        Samples.Records[3] with { Workload = workload, Gflops = gflops, Gbps = 1, PercentOfCeiling = percent };

    /// <summary>Takes <paramref name="ms"/>, and multiplies in one way only, or as it is asked.</summary>
    private sealed class Peer(double ms, InputPrecision? only) : IImplementation
    {
        public int FailsAt { get; init; } = int.MaxValue;

        public int Entered { get; private set; }

        public int Disposed { get; private set; }

        public string Name => "peer";

        public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason)
        {
            reason = "";
            return only == InputPrecision.Tf32 && workload.InputPrecision == InputPrecision.Ieee ? [] :
            [
                new Candidate("", 0, _ =>
                {
                    Entered++;
                    return new Turn(this, ms);
                }) { Multiplies = only },
            ];
        }

        public void Dispose()
        {
        }

        private sealed class Turn(Peer peer, double ms) : Prepared
        {
            private int runs;

            public override void Run() => Time(1);

            public override double Time(int calls) => ++runs >= peer.FailsAt ? throw new TorchException("failed") : ms;

            public override float[] Output() => [];

            protected override void Dispose(bool disposing) => peer.Disposed++;
        }
    }
}
