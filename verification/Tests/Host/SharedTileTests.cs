#if KERNEL_API_SIMULATOR
namespace AttnKernels.Tests.Host;

/// <summary>
/// Few queries of heads that share keys, on tensor cores: when their rows share tiles, when their keys are split, and that neither a row's
/// neighbours nor the batch change its bits.
/// </summary>
public sealed class SharedTileTests : IDisposable
{
    private const int Dim = 40;

    private static readonly AttentionProblem Drafts = new()
    {
        Type = DType.Float16, Batch = 2, HeadsQ = 8, HeadsKv = 2, SeqQ = 8, SeqKv = 600, HeadDim = Dim, Causal = CausalMask.BottomRight,
    };

    private readonly AttentionDevice device = AttentionDevice.Open("simulator");

    public void Dispose() => device.Dispose();

    [Fact]
    public void Heads_share_tiles_where_that_fills_them_better()
    {
        AttentionProblem p = Drafts with { SeqKv = 200 };
        Explain(p).Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore: 4 groups").And.Contain("a tile has rows of 4 heads");
        Explain(p with { SeqQ = 100 }).Should().NotContain("a tile has rows", "one head fills 100 of 128 rows, and four 400 of 512");
        Explain(p with { SeqQ = 90 }).Should().Contain("128x64 D<=64 PlainScore: 12 groups").And.Contain("a tile has rows of 4 heads");
        Explain(p with { HeadsQ = 2 }).Should().NotContain("a tile has rows");
        Explain(p with { SeqQ = 100, Packed = new PackedSequences(150, null) })
            .Should().Contain("a tile has rows of 4 heads", "most sequences are shorter");
        Explain(p with { Type = DType.Float32 }).Should().Contain(" FlashForward").And.NotContain("a tile has rows");
    }

    [Fact]
    public void Keys_are_split_by_the_sizes_of_a_sequence()
    {
        Explain(Drafts).Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore: 8 groups")
            .And.Contain("2 splits of 512 keys").And.Contain("MergeParts");
        Explain(Drafts with { Batch = 64 }).Should().Contain("2 splits of 512 keys");
        Explain(Drafts with { SeqKv = 512 }).Should().NotContain("splits");
        Explain(Drafts with { SeqQ = 32, SeqKv = 3000 }).Should().Contain("3 splits of 1024 keys", "128 rows make larger parts");
        Explain(Drafts with { SeqQ = 33, SeqKv = 3000 }).Should().NotContain("splits", "more rows make groups enough");
        Explain(Drafts with { SeqQ = 4 }).Should().Contain("FlashDecode", "16 rows are read for, not computed for");
        Explain(Drafts with { SeqQ = 8, Type = DType.Float32 }).Should().Contain("FlashDecode", "without tensor cores");
        Explain(Drafts with { Packed = new PackedSequences(9, null) }).Should().NotContain("splits");
        Explain(Drafts with { Kv = KvLayout.Paged(16, 80), KeyLengths = true })
            .Should().Contain("PlainScore GeneralKeys").And.Contain("2 splits of 512 keys");
    }

    [Fact]
    public void A_head_has_the_bits_that_it_has_alone()
    {
        AttentionProblem p = Drafts with { Batch = 1, HeadsQ = 3, HeadsKv = 1, SeqQ = 20, SeqKv = 150 };
        Half[] q = Numbers(1, 3 * 20 * Dim), k = Numbers(2, 150 * Dim);
        Half[] together = Run(p, q, k);
        for (int head = 0; head < 3; head++)
        {
            int from = head * 20 * Dim, to = from + (20 * Dim);
            Run(p with { HeadsQ = 1 }, q[from..to], k).Should().Equal(together[from..to]);
        }
    }

    [Fact]
    public void A_batch_entry_of_split_keys_has_the_bits_that_it_has_alone()
    {
        int queries = Drafts.HeadsQ * Drafts.SeqQ * Dim, keys = Drafts.HeadsKv * Drafts.SeqKv * Dim;
        Half[] q = Numbers(1, 2 * queries), k = Numbers(2, 2 * keys);
        Half[] together = Run(Drafts, q, k);
        Run(Drafts with { Batch = 1 }, q[queries..], k[keys..]).Should().Equal(together[queries..]);
        Run(Drafts, q, k).Should().Equal(together);
    }

    private Half[] Run(AttentionProblem p, Half[] queries, Half[] keys)
    {
        using DeviceTensor q = device.Upload(queries, p.Batch, p.HeadsQ, p.SeqQ, Dim);
        using DeviceTensor k = device.Upload(keys, p.Batch, p.HeadsKv, p.SeqKv, Dim);
        using DeviceTensor o = device.Allocate(DType.Float16, p.Batch, p.HeadsQ, p.SeqQ, Dim);
        using AttentionPlan plan = device.Plan(p);
        plan.Explain().Should().Contain("TensorFlashForward");
        plan.Run(new AttentionTensors { Q = q, K = k, V = k, O = o });
        return o.ToArray<Half>();
    }

    private static Half[] Numbers(int seed, int count)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (Half)((2 * random.NextSingle()) - 1))];
    }

    private string Explain(AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.Explain();
    }
}
#endif
