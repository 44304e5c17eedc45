#if KERNEL_API_SIMULATOR
using AttnKernels.Devices.Simulator;
using AttnKernels.Simulation;

namespace AttnKernels.Tests.Verification;

/// <summary>Keys that a mask hides are not read: the simulator counts the bytes that the kernels load from Q, K and V.</summary>
public class SkippedTileTests
{
    private const int Keys = 256;
    private const int Dim = 64;

    private static readonly AttentionProblem Whole = new() { Batch = 1, HeadsQ = 1, SeqQ = Keys, SeqKv = Keys, HeadDim = Dim };

    /// <summary>The form, and how many keys its four tiles of 64 queries read together; without a mask 4 * 256.</summary>
    public static TheoryData<string, int> Forms => new()
    {
        { "no mask", 4 * Keys },
        { "causal", 64 + 128 + 192 + 256 },
        { "window", 64 + 95 + 95 + 95 },
        { "key lengths", 4 * 100 },
        { "documents", 4 * 64 },
        { "blocks", 4 * 64 },
    };

    [Theory, MemberData(nameof(Forms))]
    public void A_tile_of_queries_reads_the_keys_that_it_sees(string form, int keys)
    {
        AttentionProblem problem = form switch
        {
            "causal" => Whole with { Causal = CausalMask.TopLeft },
            "window" => Whole with { Causal = CausalMask.TopLeft, WindowLeft = 31 },
            "key lengths" => Whole with { KeyLengths = true },
            "documents" => Whole with { Documents = true },
            "blocks" => Whole with { Blocks = new BlockSparsity(64, 64) },
            _ => Whole,
        };
        Loaded(problem).Should().Be((Keys + (2 * keys)) * Dim * sizeof(float), "the queries, and K and V of {0} keys", keys);
    }

    [Theory]
    [InlineData(1024, 1024, 4)]
    [InlineData(299, 300, 2)]
    public void A_single_query_reads_the_keys_of_its_window(int window, int keys, int splits)
    {
        AttentionProblem problem = Whole with { SeqQ = 1, SeqKv = 1024, Causal = CausalMask.BottomRight, WindowLeft = window };
        Loaded(problem).Should().Be((splits + (2 * keys)) * Dim * sizeof(float), "each split that it sees reads the query");
    }

    /// <summary>Bytes that lanes load by the elements' own methods: those of Q, K and V, of this problem alone.</summary>
    private static long Loaded(AttentionProblem p)
    {
        using AttentionDevice device = AttentionDevice.Open("simulator");
        List<LaunchReport> reports = [];
        using AttentionPlan plan = device.Plan(p);
        byte[] diagonal = [.. Enumerable.Range(0, 16).Select(n => (byte)(n % 5 == 0 ? 1 : 0))];
        int[] documents = [.. Enumerable.Range(0, Keys).Select(n => n / 64)];
        AttentionTensors tensors = new()
        {
            Q = device.Allocate(DType.Float32, 1, 1, p.SeqQ, Dim),
            K = device.Allocate(DType.Float32, 1, 1, p.SeqKv, Dim),
            V = device.Upload(Enumerable.Repeat(1f, p.SeqKv * Dim).ToArray(), 1, 1, p.SeqKv, Dim), // so that O changes: stores
            O = device.Allocate(DType.Float32, 1, 1, p.SeqQ, Dim),
            KeyLengths = p.KeyLengths ? device.Upload<int>([100], 1) : default(TensorView),
            DocumentsQ = p.Documents ? device.Upload(documents, 1, Keys) : default(TensorView),
            DocumentsKv = p.Documents ? device.Upload(documents, 1, Keys) : default(TensorView),
            BlockMask = p.Blocks is null ? default(TensorView) : device.Upload(Array.ConvertAll(diagonal, x => x != 0), 1, 1, 4, 4),
        };
        ((SimulatorDevice)device.Backend).OnLaunch = (report, entry, _) =>
        {
            if (entry.Name.StartsWith("Flash", StringComparison.Ordinal)) reports.Add(report);
        };
        plan.Run(tensors);
        LaunchReport only = reports.Should().ContainSingle().Subject;
        only.UncountedAccesses.Should().Be(0);
        return only.Sites.Where(site => site.Site.StartsWith("Elements.cs", StringComparison.Ordinal)).Sum(site => site.Loads.Bytes);
    }
}
#endif
