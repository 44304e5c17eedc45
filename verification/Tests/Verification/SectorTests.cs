#if KERNEL_API_SIMULATOR
using AttnKernels.Devices.Simulator;
using AttnKernels.Simulation;

namespace AttnKernels.Tests.Verification;

/// <summary>
/// Where tiles are whole and rows are aligned, a warp's loads and stores of device memory touch no more 32-byte sectors than their bytes
/// fill.
/// </summary>
public class SectorTests
{
    /// <summary>Of a fragment's row four lanes store two 16-bit elements each, half a sector; the second-level cache joins them.</summary>
    private const double Fragments = 2;

    /// <summary>A lane of decoding has eight neighbouring elements: of fp32 two loads, each of which touches all sectors.</summary>
    private const double TwoLoads = 2;

    [Theory]
    [InlineData(DType.Float32, "TiledMatmul fp32", 1)]
    [InlineData(DType.Float16, "TensorMatmul fp16", Fragments)]
    [InlineData(DType.BFloat16, "TensorMatmul bf16", Fragments)]
    public void Matmul_moves_whole_sectors(DType type, string kernel, double stores)
    {
        using AttentionDevice device = Open(out List<(string Kernel, LaunchReport Report)> launches);
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 256, N = 256, K = 128, Type = type });
        using DeviceTensor a = device.Allocate(type, 1, 256, 128), b = device.Allocate(type, 1, 128, 256);
        using DeviceTensor c = device.Allocate(type, 1, 256, 256);
        plan.Run(new MatmulTensors { A = a, B = b, C = c });
        ShouldBeWhole(launches, kernel, loads: 1, stores);
    }

    [Theory]
    [InlineData(DType.Float32, 256, 64, "FlashForward fp32", 1)]
    [InlineData(DType.Float32, 256, 128, "FlashForward fp32", 1)]
    [InlineData(DType.Float16, 256, 64, "TensorFlashForward fp16", 1)]
    [InlineData(DType.BFloat16, 256, 128, "TensorFlashForward bf16", 1)]
    [InlineData(DType.Float32, 1, 128, "FlashDecode fp32", TwoLoads)]
    [InlineData(DType.Float16, 1, 128, "FlashDecode fp16", 1)]
    public void Attention_moves_whole_sectors(DType type, int seqQ, int headDim, string kernel, double loads)
    {
        using AttentionDevice device = Open(out List<(string Kernel, LaunchReport Report)> launches);
        AttentionProblem problem = new() { Batch = 1, HeadsQ = 4, HeadsKv = 1, SeqQ = seqQ, SeqKv = 512, HeadDim = headDim, Type = type };
        using AttentionPlan plan = device.Plan(problem);
        using DeviceTensor q = device.Allocate(type, 1, 4, seqQ, headDim), o = device.Allocate(type, 1, 4, seqQ, headDim);
        using DeviceTensor k = device.Allocate(type, 1, 1, 512, headDim), v = device.Allocate(type, 1, 1, 512, headDim);
        plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = o });
        ShouldBeWhole(launches, kernel, loads, stores: 1);
    }

    private static AttentionDevice Open(out List<(string Kernel, LaunchReport Report)> launches)
    {
        List<(string, LaunchReport)> all = launches = [];
        AttentionDevice device = AttentionDevice.Open("simulator");
        ((SimulatorDevice)device.Backend).OnLaunch = (report, entry, _) => all.Add((entry.Name, report));
        return device;
    }

    private static void ShouldBeWhole(List<(string Kernel, LaunchReport Report)> launches, string kernel, double loads, double stores)
    {
        const double most = 1.05; // a value a row, such as m and l of a split, is no sector
        LaunchReport report = launches[0].Report;
        launches[0].Kernel.Should().StartWith(kernel);
        report.Findings.Should().BeEmpty();
        report.Loads.Bytes.Should().BePositive();
        report.Loads.Excess.Should().BeInRange(1, most * loads, "of loads of {0}", launches[0].Kernel);
        report.Stores.Excess.Should().BeInRange(1, most * stores, "of stores of {0}", launches[0].Kernel);
    }
}
#endif
