using AttnKernels.Kernels;
using Choices = AttnKernels.Kernels.FlashTable<
    float, AttnKernels.Kernels.Float32Element, AttnKernels.Kernels.PlainScore,
    AttnKernels.Kernels.PlainKeys<float, AttnKernels.Kernels.Float32Element>>;

namespace AttnKernels.Tests.Host;

/// <summary>Which tile of FlashForward a device and a problem get, and the reason that the plan gives.</summary>
public class FlashTileTests
{
    private const string Wide = "the wide tile for this head dim";

    private static readonly DeviceInfo H100 = Gpu(132, 227, 228);
    private static readonly DeviceInfo A100 = Gpu(108, 163, 164);
    private static readonly DeviceInfo Rtx4090 = Gpu(128, 99, 100);

    private static readonly AttentionProblem Large = new() { Batch = 4, HeadsQ = 16, SeqQ = 2048, SeqKv = 2048, HeadDim = 64 };

    [Theory]
    [InlineData(64, "64x64", "64x64", "64x32")]
    [InlineData(128, "64x64", "32x32", "32x32")]
    [InlineData(256, "32x64", "16x16", "16x16")]
    public void Wide_where_two_groups_fit_into_a_multiprocessor(int headDim, string h100, string a100, string rtx)
    {
        AttentionProblem problem = Large with { HeadDim = headDim };
        foreach ((DeviceInfo device, string tile) in ((DeviceInfo, string)[])[(H100, h100), (A100, a100), (Rtx4090, rtx)])
        {
            string why = Choose(device, problem, out string name);
            name.Should().Contain($" {tile} ");
            bool isWide = tile.EndsWith("x64", StringComparison.Ordinal);
            why.Should().MatchRegex(isWide ? Wide : @"no wide tile, of which no two, \d+ bytes each, fit into a multiprocessor");
        }
    }

    /// <summary>Under a causal mask the last rows see the most keys.</summary>
    [Fact]
    public void Groups_start_with_the_last_tile_of_a_section_of_heads_and_pass_over_every_tile_once()
    {
        FlashArgs<float, PlainScore, PlainKeys<float, Float32Element>> args = default;
        (args.Batch, args.HeadsQ, args.HeadsKv, args.SeqQ, args.SeqKv) = (2, 3, 3, 100, 100);
        (args.Heads, args.SectionHeads) = (TileHeads.Of(heads: 3, count: 1), 4);
        const int br = 32, tiles = 4;
        List<(int Head, int Row)> order = [];
        for (int index = 0; index < 2 * 3 * tiles; index++)
        {
            FlashPosition at = FlashPosition.Of(args, index, br, out _, out int i0);
            order.Add((at.B * 3 + at.H, i0));
        }
        order.Take(8).Should().Equal((0, 96), (1, 96), (2, 96), (3, 96), (0, 64), (1, 64), (2, 64), (3, 64));
        order.Skip(16).Should().Equal((4, 96), (5, 96), (4, 64), (5, 64), (4, 32), (5, 32), (4, 0), (5, 0));
        order.Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Narrow_where_a_wide_tile_would_be_empty_or_leave_multiprocessors_idle()
    {
        Choose(H100, Large with { SeqQ = 32 }, out _).Should().Be("no wide tile, which 32 rows by 2048 keys would not fill");
        Choose(H100, Large with { SeqKv = 32 }, out _).Should().Be("no wide tile, which 2048 rows by 32 keys would not fill");
        Choose(H100, Large with { Batch = 1, HeadsQ = 8, SeqQ = 1024 }, out _).Should()
            .Be("no wide tile, whose 128 groups would leave some of 132 multiprocessors idle");
        Choose(H100, Large with { Batch = 1, HeadsQ = 8, SeqQ = 1025 + 63 }, out string name).Should().Be(Wide);
        name.Should().Contain("64x64");
    }

    [Fact]
    public void Heads_wider_than_any_tile_come_in_chunks_and_each_chunk_of_V_has_groups_of_its_own()
    {
        foreach (AttentionProblem wide in (AttentionProblem[])[Large with { HeadDim = 257 }, Large with { HeadDimV = 257 }])
        {
            Choose(H100, wide, out string name).Should().Be("256 columns at a time, since heads are wider than any tile");
            name.Should().Contain("16x16 D by 256");
        }
        long Groups(int d, int dv) =>
            Choices.Choose(H100, Large with { HeadDim = d, HeadDimV = dv }, out _).Groups(Large with { HeadDimV = dv });
        (Groups(300, 256), Groups(300, 257), Groups(300, 512), Groups(64, 513)).Should().Be((8192, 16384, 16384, 24576));
    }

    [Fact]
    public void A_group_may_use_what_is_left_beside_what_the_driver_reserves()
    {
        FlashChoice<FlashArgs<float, PlainScore, PlainKeys<float, Float32Element>>> wide = Choices.Choose(H100, Large, out _);
        int needed = 2 * (wide.Entry.SharedBytes + 1024);

        wide.WhyNot(H100 with { SharedMemoryPerMultiprocessor = needed }, Large).Should().BeNull();
        wide.WhyNot(H100 with { SharedMemoryPerMultiprocessor = needed - 1 }, Large).Should().Contain("fit into a multiprocessor");
        wide.WhyNot(H100 with { SharedMemoryPerGroup = wide.Entry.SharedBytes - 1 }, Large).Should().Contain("fit into a multiprocessor");
    }

    [Fact]
    public void Heads_side_by_side_are_those_whose_keys_the_cache_holds()
    {
        AttentionProblem causal = Large with { HeadsQ = 32, HeadsKv = 8, SeqKv = 4096, Causal = CausalMask.BottomRight };
        DeviceInfo cached = H100 with { CacheBytes = 50 << 20 };
        const int headBytes = 4096 * (64 + 64) * sizeof(float);

        HeadSections.Heads(causal, cached).Should().Be((50 << 20) / 2 / headBytes * 4).And.Be(48);
        HeadSections.Heads(causal with { Batch = 1 }, cached).Should().Be(32, "there are no more");
        HeadSections.Heads(causal, H100).Should().Be(4, "heads that share a key head are never apart");
        HeadSections.Heads(causal with { Causal = CausalMask.None }, cached).Should().Be(4, "all tiles are as long");
        HeadSections.Heads(causal with { WindowLeft = 100 }, cached).Should().Be(4, "all tiles are about as long");
        HeadSections.Heads(causal with { Bias = true }, cached).Should().Be(128, "the bias of all heads is read once");
    }

    private static string Choose(DeviceInfo device, AttentionProblem problem, out string name)
    {
        name = Choices.Choose(device, problem, out string why).Entry.Name;
        return why;
    }

    private static DeviceInfo Gpu(int multiprocessors, int groupKb, int multiprocessorKb) => new("cuda:0", "none", DeviceKind.Cuda)
    {
        ComputeUnits = multiprocessors, SharedMemoryPerGroup = groupKb << 10, SharedMemoryPerMultiprocessor = multiprocessorKb << 10,
    };
}
