using AttnKernels.Tests.Verification;

namespace AttnKernels.Tests.Host;

/// <summary>
/// Packed sequences and rings: what is refused before anything is written, what a run allocates, and that packing changes no bit.
/// </summary>
public sealed class SequenceTests : OnePlanTests
{
    private static readonly AttentionProblem Problem = new()
    {
        Batch = 3, HeadsQ = 4, HeadsKv = 2, SeqQ = 6, SeqKv = 9, HeadDim = 8, Lse = true, Packed = new PackedSequences(12, 20),
    };

    public SequenceTests()
        : base(Problem, device => new AttentionTensors
        {
            Q = device.Allocate(DType.Float32, 4, 12, 8),
            K = device.Allocate(DType.Float32, 2, 20, 8),
            V = device.Allocate(DType.Float32, 2, 20, 8),
            O = device.Allocate(DType.Float32, 4, 12, 8),
            Lse = device.Allocate(DType.Float32, 4, 12),
            StartsQ = device.Upload([0, 6, 6, 11], 4),
            StartsKv = device.Upload([0, 9, 11, 20], 4),
        })
    {
    }

    public static TheoryData<string> Devices => ["cpu", "simulator", "ilgpu-cpu", "opencl:0", "cuda:0"];

    [Fact]
    public void Only_rows_of_a_sequence_are_written()
    {
        Plan.Run(Valid);
        Span<float> o = Output;
        for (int row = 0; row < 48; row++) o.Slice(row * 8, 8).ToArray().Should().OnlyContain(x => x == (row % 12 < 11 ? 0 : 7));
    }

    [Fact]
    public void Wrong_starts_are_refused()
    {
        Refuse(Valid with { StartsQ = Device.Upload([0, 6, 5, 11], 4) },
            "StartsQ[2] = 5 is not in 6..12: starts never decrease*", "StartsQ");
        Refuse(Valid with { StartsKv = Device.Upload([0, 9, 11, 21], 4) }, "StartsKv[3] = 21 is not in 11..20*", "StartsKv");
        Refuse(Valid with { StartsKv = Device.Upload([-1, 9, 11, 20], 4) }, "StartsKv[0] = -1 is not in 0..20*", "StartsKv");
        Refuse(Valid with { StartsQ = Device.Upload([0, 7, 7, 12], 4) },
            "StartsQ[1] - StartsQ[0] = 7, but *longest sequence has 6*", "StartsQ");
        Refuse(Valid with { StartsQ = Device.Upload([0, 6, 11], 3) }, "StartsQ: expected shape (4), got Int32 (3)*", "StartsQ");
        Refuse(Valid with { StartsKv = default }, "StartsKv: the problem needs it*", "StartsKv");
    }

    [Fact]
    public void Starts_that_would_be_ignored_are_refused()
    {
        using AttentionPlan queries = Device.Plan(Problem with { Packed = new PackedSequences(12, null) });
        TensorView keys = Device.Allocate(DType.Float32, 3, 2, 9, 8);
        FluentActions.Invoking(() => queries.Run(Valid with { K = keys, V = keys }))
            .Should().Throw<ArgumentException>().WithMessage("StartsKv*Packed = null*");
    }

    [Fact]
    public void Wrong_problems_are_refused()
    {
        Refuse(Problem with { Packed = new PackedSequences(5, 20) }, "Packed.TotalQ must be between 6*");
        Refuse(Problem with { Packed = new PackedSequences(12, 8) }, "Packed.TotalKv must be between 9*");
        Refuse(Problem with { Kv = KvLayout.Paged(8, 4) }, "Packed.TotalKv must be null where Kv = Paged(8, 4)*");
        Refuse(Problem with { Packed = null, Kv = KvLayout.Ring }, "Kv = Ring needs KeyLengths*");
        FluentActions.Invoking(() => Device.Plan(Problem with { Weights = true }))
            .Should().Throw<NotSupportedException>().WithMessage("*Packed*");
    }

    [Fact]
    public void A_ring_counts_keys_that_it_no_longer_holds()
    {
        using AttentionPlan ring = Device.Plan(Problem with { Packed = null, Lse = false, Kv = KvLayout.Ring, KeyLengths = true });
        AttentionTensors tensors = new()
        {
            Q = Device.Allocate(DType.Float32, 3, 4, 6, 8),
            K = Device.Allocate(DType.Float32, 3, 2, 9, 8),
            V = Device.Allocate(DType.Float32, 3, 2, 9, 8),
            O = Device.Allocate(DType.Float32, 3, 4, 6, 8),
            KeyLengths = Device.Upload([0, 1000, 9], 3),
        };
        Allocated(ring, tensors).Should().Be(0);
        FluentActions.Invoking(() => ring.Run(tensors with { KeyLengths = Device.Upload([0, -1, 9], 3) }))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("KeyLengths[1] = -1*");
    }

    [Fact]
    public void Explain_says_how_sequences_lie()
    {
        Plan.Explain().Should().Contain("packed 12 and 20");
        using AttentionPlan ring = Device.Plan(
            Problem with { Packed = new PackedSequences(12, null), Kv = KvLayout.Ring, KeyLengths = true });
        ring.Explain().Should().Contain("keys Ring, queries packed 12");
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_packed_sequence_has_the_bits_that_it_has_alone(string name)
    {
        using AttentionDevice other = PresentDevices.OpenOrSkip(name);
        (int heads, int dim) = (2, 16);
        int[] startsQ = [1, 2, 40, 40, 43], startsKv = [0, 30, 70, 75, 75];
        AttentionProblem packed = new()
        {
            Batch = 4, HeadsQ = heads, SeqQ = 38, SeqKv = 40, HeadDim = dim, Causal = CausalMask.BottomRight,
            Packed = new PackedSequences(44, 75),
        };
        using DeviceTensor q = other.Upload(HostDevices.Random(heads * 44 * dim, 1), heads, 44, dim);
        using DeviceTensor k = other.Upload(HostDevices.Random(heads * 75 * dim, 2), heads, 75, dim);
        using DeviceTensor v = other.Upload(HostDevices.Random(heads * 75 * dim, 3), heads, 75, dim);
        using DeviceTensor together = other.Allocate(DType.Float32, heads, 44, dim), alone = other.Allocate(DType.Float32, heads, 44, dim);
        using DeviceTensor starts = other.Upload(startsQ, 5), keyStarts = other.Upload(startsKv, 5);
        using AttentionPlan plan = other.Plan(packed);
        plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = together, StartsQ = starts, StartsKv = keyStarts });
        for (int b = 0; b < 4; b++)
        {
            (int queries, int keys) = (startsQ[b + 1] - startsQ[b], startsKv[b + 1] - startsKv[b]);
            if (queries == 0 || keys == 0) continue;
            using AttentionPlan one = other.Plan(packed with { Batch = 1, SeqQ = queries, SeqKv = keys, Packed = null });
            one.Run(new AttentionTensors
            {
                Q = q.View.Slice(1, startsQ[b], queries),
                K = k.View.Slice(1, startsKv[b], keys),
                V = v.View.Slice(1, startsKv[b], keys),
                O = alone.View.Slice(1, startsQ[b], queries),
            });
        }
        together.ToArray<float>().Should().Equal(alone.ToArray<float>());
    }
}
