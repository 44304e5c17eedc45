#if KERNEL_API_SIMULATOR
using AttnKernels.Plans;

namespace AttnKernels.Tests.Host;

/// <summary>
/// Tensor cores over keys that lie in the blocks of a cache, in a ring or in packed sequences: when they are chosen, and that only places
/// change.
/// </summary>
public sealed class TensorKeyTests : IDisposable
{
    private const int Keys = 150, Queries = 20, Dim = 64, Block = 16, Columns = 10;

    private static readonly AttentionProblem Sizes = new()
    {
        Type = DType.Float16, Batch = 1, HeadsQ = 1, HeadsKv = 1, SeqQ = Queries, SeqKv = Keys, HeadDim = Dim,
        Causal = CausalMask.BottomRight,
    };

    /// <summary>Blocks of an entry, in no order.</summary>
    private static readonly int[] Table = [7, 2, 9, 11, 0, 4, 10, 1, 5, 3];

    private readonly AttentionDevice device = AttentionDevice.Open("simulator");
    private readonly Half[] q = Numbers(1, Queries * Dim), k = Numbers(2, Keys * Dim), v = Numbers(3, Keys * Dim);

    public void Dispose() => device.Dispose();

    [Fact]
    public void Every_layout_of_keys_as_they_are_stored_runs_on_them()
    {
        AttentionProblem paged = Sizes with { Kv = KvLayout.Paged(Block, 12) };
        AttentionProblem packed = Sizes with { Packed = new PackedSequences(40, 300) };
        Explain(paged).Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore GeneralKeys").And.Contain("on tensor cores");
        Explain(paged with { Type = DType.BFloat16, HeadDim = 128, Alibi = true, Alignment = BandAlignment.BottomRight })
            .Should().Contain("TensorFlashForward bf16 64x32 D<=128 GeneralScore GeneralKeys");
        Explain(Sizes with { Kv = KvLayout.Ring, KeyLengths = true })
            .Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore GeneralKeys");
        Explain(packed).Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore PackedKeys");
        Explain(packed with { SeqQ = 70, Packed = new PackedSequences(90, 300), Sinks = true })
            .Should().Contain("TensorFlashForward fp16 128x32 D<=64 GeneralScore GeneralKeys");
        Explain(paged with { Packed = new PackedSequences(40, null), KeyLengths = true }).Should().Contain("PlainScore GeneralKeys");
    }

    [Fact]
    public void What_they_cannot_take_as_it_is_stored_falls_back_and_says_why()
    {
        AttentionProblem paged = Sizes with { Kv = KvLayout.Paged(Block, 12) };
        Portable(paged with { KvType = DType.Int8 }, "these are Int8 beside Float16");
        Portable(paged with { KvType = DType.BFloat16 }, "these are BFloat16 beside Float16");
        Portable(paged with { Rotary = new RotaryForm(Dim, 200) }, "these turn or are normalised first");
        Portable(Sizes with { Packed = new PackedSequences(40, 300), Similarity = Similarity.Cosine },
            "these turn or are normalised first");
        Portable(paged with { Type = DType.Float32 }, "fp32 is multiplied as fp32");

        DeviceOptions smallest = new() { Simulator = Simulation.SimulatorOptions.Smallest };
        using AttentionDevice without = AttentionDevice.Open("simulator", smallest);
        using AttentionPlan plan = without.Plan(paged);
        plan.Explain().Should().Contain(": FlashForward fp16").And.Contain("GeneralScore GeneralKeys")
            .And.Contain("no tensor cores on this device");
    }

    [Fact]
    public void Blocks_give_the_bits_of_keys_that_lie_side_by_side() => Paged(Table).Should().Equal(Run(Sizes, q, k, v));

    [Fact]
    public void A_block_that_the_cache_does_not_have_is_NaN_to_those_who_see_it()
    {
        Half[] right = Run(Sizes, q, k, v);
        foreach (int block in (int[])[-1, 12, int.MaxValue, int.MinValue])
        {
            // Keys 144 to 149, of which the query of key 143 and those before see none; then keys 16 to 31, in tiles that no mask cuts.
            Half[] last = Paged([.. Table[..9], block]);
            int unseen = (Queries - 6) * Dim;
            // Beside a NaN they are summed in another order.
            last[..unseen].Zip(right, (x, y) => Math.Abs((float)(x - y))).Max().Should().BeLessThan(1e-3f);
            last[unseen..].Should().OnlyContain(x => Half.IsNaN(x));
            Paged([Table[0], block, .. Table[2..]]).Should().OnlyContain(x => Half.IsNaN(x));
        }
    }

    [Fact]
    public void A_sequence_has_the_bits_that_it_has_alone()
    {
        const int queries = 7, keys = 97; // of the first of two
        int[] startsQ = [0, queries, Queries], startsKv = [0, keys, Keys];
        AttentionProblem packed = Sizes with { Batch = 2, Packed = new PackedSequences(Queries, Keys) };
        Half[] both = Run(packed, q, k, v, t => t with { StartsQ = device.Upload(startsQ, 3), StartsKv = device.Upload(startsKv, 3) });

        Half[] first = Run(Sizes with { SeqQ = queries, SeqKv = keys }, q[..(queries * Dim)], k[..(keys * Dim)], v[..(keys * Dim)]);
        Half[] second = Run(
            Sizes with { SeqQ = Queries - queries, SeqKv = Keys - keys }, q[(queries * Dim)..], k[(keys * Dim)..], v[(keys * Dim)..]);

        both.Should().Equal(first.Concat(second));
    }

    private Half[] Paged(int[] table)
    {
        Half[] blocksOfK = Blocks(k), blocksOfV = Blocks(v);
        AttentionProblem paged = Sizes with { Kv = KvLayout.Paged(Block, 12) };
        return Run(paged, q, blocksOfK, blocksOfV, t => t with { BlockTable = device.Upload(table, 1, Columns) });

        static Half[] Blocks(Half[] rows)
        {
            Half[] cache = [.. Enumerable.Repeat(Half.NaN, 12 * Block * Dim)];
            for (int j = 0; j < Keys; j++)
                rows.AsSpan(j * Dim, Dim).CopyTo(cache.AsSpan(((Table[j / Block] * Block) + (j % Block)) * Dim));
            return cache;
        }
    }

    private Half[] Run(
        AttentionProblem p, Half[] queries, Half[] keys, Half[] values, Func<AttentionTensors, AttentionTensors>? with = null)
    {
        int rows = queries.Length / Dim, perBlock = p.Kv.IsPaged ? Block : keys.Length / Dim;
        using DeviceTensor dq = device.Upload(queries, 1, 1, rows, Dim), o = device.Allocate(DType.Float16, 1, 1, rows, Dim);
        using DeviceTensor dk = device.Upload(keys, keys.Length / Dim / perBlock, 1, perBlock, Dim);
        using DeviceTensor dv = device.Upload(values, keys.Length / Dim / perBlock, 1, perBlock, Dim);
        // Past the plan's checks, which a GPU's tables do not meet.
        using Executable<AttentionTensors> kernel = device.Backend.Plans.Attention(p);
        kernel.Explain().Should().Contain("TensorFlashForward");
        AttentionTensors tensors = new() { Q = dq, K = dk, V = dv, O = o };
        kernel.Run(with is null ? tensors : with(tensors), device.DefaultStream, TestContext.Current.CancellationToken);
        return o.ToArray<Half>();
    }

    private static Half[] Numbers(int seed, int count)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (Half)((2 * random.NextSingle()) - 1))];
    }

    private void Portable(AttentionProblem problem, string reason) =>
        Explain(problem).Should().Contain(" FlashForward").And.Contain(reason).And.NotContain("TensorFlash");

    private string Explain(AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.Explain();
    }
}
#endif
