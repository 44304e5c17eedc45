using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>Attention whose keys lie in several places, merged by log-sum-exp.</summary>
public sealed class MergeTests
{
    private const int Batch = 2;
    private const int Heads = 3;
    private const int Queries = 5;
    private const int Keys = 48;
    private const int Dim = 20;

    private static readonly MergeProblem Problem = new()
    {
        Parts = 3, Batch = Batch, Heads = Heads, Seq = Queries, HeadDim = Dim, Lse = true,
    };

    public static TheoryData<string> Devices => [.. AttentionDevice.List().Select(info => info.Name)];

    [Theory]
    [MemberData(nameof(Devices))]
    public void Shards_of_the_keys_merge_to_attention_over_all_of_them(string name)
    {
        const int parts = 3, shard = Keys / parts;
        using AttentionDevice device = AttentionDevice.Open(name);
        Seeded random = new(7);
        HostTensor q = random.Normals(0, DType.Float32, 2, Batch, Heads, Queries, Dim),
            k = random.Normals(1, DType.Float32, 2, Batch, Heads, Keys, Dim);
        HostTensor v = random.Normals(2, DType.Float32, 1, Batch, Heads, Keys, Dim);
        using DeviceTensor tq = device.Upload(q.Values, Batch, Heads, Queries, Dim);
        using DeviceTensor tk = device.Upload(k.Values, Batch, Heads, Keys, Dim), tv = device.Upload(v.Values, Batch, Heads, Keys, Dim);
        using DeviceTensor partsO = device.Allocate(DType.Float32, parts * Batch, Heads, Queries, Dim);
        using DeviceTensor partsLse = device.Allocate(DType.Float32, parts * Batch, Heads, Queries);
        using DeviceTensor o = device.Allocate(DType.Float32, Batch, Heads, Queries, Dim),
            lse = device.Allocate(DType.Float32, Batch, Heads, Queries);
        for (int p = 0; p < parts; p++)
        {
            // Causal over all keys: a shard's diagonal lies p shards to the left, and the last shard hides all of itself from the first
            // queries.
            using AttentionPlan plan = device.Plan(new AttentionProblem
            {
                Batch = Batch, HeadsQ = Heads, SeqQ = Queries, SeqKv = shard, HeadDim = Dim, Lse = true,
                Causal = CausalMask.At(30 - (p * shard)),
            });
            plan.Run(new AttentionTensors
            {
                Q = tq, K = tk.View.Slice(2, p * shard, shard), V = tv.View.Slice(2, p * shard, shard),
                O = partsO.View.Slice(0, p * Batch, Batch), Lse = partsLse.View.Slice(0, p * Batch, Batch),
            });
        }
        using MergePlan merge = device.Plan(Problem);
        merge.Run(new MergeTensors { PartsO = partsO, PartsLse = partsLse, O = o, Lse = lse });

        ExpectedAttention expected = References.Attention(q, k, v, new ScoreRule
        {
            Scale = 1 / MathF.Sqrt(Dim), Causal = true, Alignment = KeyAlignment.Offset, Offset = 30,
        });
        Comparison.Of(expected.O, o.ToArray<float>()).Passed.Should().BeTrue();
        Comparison.Of(expected.Lse, lse.ToArray<float>()).Passed.Should().BeTrue();
    }

    [Fact]
    public void Wrong_parts_are_refused_before_anything_is_written()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using MergePlan plan = device.Plan(Problem);
        using DeviceTensor partsO = device.Allocate(DType.Float32, 3 * Batch, Heads, Queries, Dim);
        using DeviceTensor few = device.Allocate(DType.Float32, Batch, Heads, Queries);
        using DeviceTensor o = device.Allocate(DType.Float32, Batch, Heads, Queries, Dim);
        using DeviceTensor partsLse = device.Allocate(DType.Float32, 3 * Batch, Heads, Queries);
        o.Fill(1);
        float[] before = o.ToArray<float>();
        Action fewLses = () => plan.Run(new MergeTensors { PartsO = partsO, PartsLse = few, O = o, Lse = few });
        fewLses.Should().Throw<ArgumentException>().WithMessage("PartsLse: expected shape (6, 3, 5), got *");
        Action noLse = () => plan.Run(new MergeTensors { PartsO = partsO, PartsLse = partsLse, O = o });
        noLse.Should().Throw<ArgumentException>().WithMessage("Lse: the problem needs it*");
        Action inPlace = () =>
            plan.Run(new MergeTensors { PartsO = partsO, PartsLse = partsLse, O = partsO.View.Slice(0, 0, Batch), Lse = few });
        inPlace.Should().Throw<ArgumentException>().WithMessage("O (*overlaps PartsO*");
        Action none = () => device.Plan(Problem with { Parts = 0 });
        none.Should().Throw<ArgumentOutOfRangeException>().WithMessage("Parts must be between 1*");
        o.ToArray<float>().Should().Equal(before);
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using MergePlan plan = device.Plan(Problem);
        MergeTensors tensors = new()
        {
            PartsO = device.Allocate(DType.Float32, 3 * Batch, Heads, Queries, Dim),
            PartsLse = device.Allocate(DType.Float32, 3 * Batch, Heads, Queries),
            O = device.Allocate(DType.Float32, Batch, Heads, Queries, Dim), Lse = device.Allocate(DType.Float32, Batch, Heads, Queries),
        };
        for (int n = 0; n < 3; n++) plan.Run(tensors);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int n = 0; n < 10; n++) plan.Run(tensors);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }
}
