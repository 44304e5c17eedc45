using AttnKernels.Tests.Verification;

namespace AttnKernels.Tests.Host;

/// <summary>
/// Cosine similarity and fused rotary embedding: what is refused before anything is written, and that fusing changes no bit.
/// </summary>
public sealed class VectorTests : OnePlanTests
{
    private static readonly AttentionProblem Problem = new()
    {
        Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 3, SeqKv = 9, HeadDim = 8, Similarity = Similarity.Cosine,
        Rotary = new RotaryForm(6, 12, Interleaved: true, Positions: true),
    };

    public VectorTests()
        : base(Problem, device => new AttentionTensors
        {
            Q = device.Allocate(DType.Float32, 2, 4, 3, 8),
            K = device.Allocate(DType.Float32, 2, 2, 9, 8),
            V = device.Upload(HostDevices.Random(2 * 2 * 9 * 8, 1), 2, 2, 9, 8),
            O = device.Allocate(DType.Float32, 2, 4, 3, 8),
            Cos = device.Allocate(DType.Float32, 12, 3),
            Sin = device.Allocate(DType.Float32, 12, 3),
            PositionsQ = device.Upload([0, 11, 3], 1, 3),
            PositionsKv = device.Allocate(DType.Int32, 2, 9),
        })
    {
    }

    /// <summary>Devices whose multiplications and additions are not fused.</summary>
    public static TheoryData<string> Devices => ["cpu", "simulator", "ilgpu-cpu"];

    [Fact]
    public void Zero_rows_are_equal_to_all_others()
    {
        Plan.Run(Valid);
        Span<float> o = Output;
        float mean = 0;
        unsafe
        {
            for (int key = 0; key < 9; key++) mean += ((float*)Valid.V.Buffer!.Address)[key * 8] / 9;
        }
        o[0].Should().BeApproximately(mean, 1e-6f);
    }

    [Fact]
    public void Wrong_tensors_are_refused()
    {
        Refuse(Valid with { Cos = Device.Allocate(DType.Float32, 12, 4) }, "Cos: expected shape (12, 3), got Float32 (12, 4)*", "Cos");
        Refuse(Valid with { Sin = Device.Allocate(DType.Float16, 12, 3) }, "Sin: expected type Float32, got Float16*", "Sin");
        Refuse(Valid with { Sin = default }, "Sin: the problem needs it*", "Sin");
        Refuse(Valid with { PositionsQ = Device.Upload([0, 12, 3], 3) }, "PositionsQ[0, 1] = 12 is not in 0..11*", "PositionsQ");
        Refuse(Valid with { PositionsQ = Device.Upload([0, -1, 3], 3) }, "PositionsQ[0, 1] = -1 is not in 0..11*", "PositionsQ");
        Refuse(Valid with { PositionsKv = Device.Allocate(DType.Int32, 2, 3) }, "PositionsKv: expected shape (2, 9)*", "PositionsKv");
    }

    [Fact]
    public void Tensors_that_would_be_ignored_are_refused()
    {
        using AttentionPlan counting = Device.Plan(Problem with { Rotary = new RotaryForm(6, 12) });
        FluentActions.Invoking(() => counting.Run(Valid)).Should().Throw<ArgumentException>().WithMessage("Positions*Rotary.Positions*");
        using AttentionPlan plain = Device.Plan(Problem with { Rotary = null });
        FluentActions.Invoking(() => plain.Run(Valid)).Should().Throw<ArgumentException>().WithMessage("Cos*Rotary = null*");
    }

    [Fact]
    public void Wrong_problems_are_refused()
    {
        Refuse(Problem with { Rotary = new RotaryForm(7, 12) }, "Rotary.RotaryDim must be even, is 7*");
        Refuse(Problem with { Rotary = new RotaryForm(10, 12) }, "Rotary.RotaryDim must be between 2 and 8*");
        Refuse(Problem with { Rotary = new RotaryForm(6, 8) }, "Rotary.MaxPosition must be between 9*");
        Refuse(Problem with { Kv = KvLayout.Ring, KeyLengths = true }, "Rotary.Positions must be false where Kv = Ring*");
        Refuse(Problem with { Similarity = (Similarity)7 }, "Similarity is 7*");
        FluentActions.Invoking(() => Device.Plan(Problem with { Weights = true }))
            .Should().Throw<NotSupportedException>().WithMessage("*Rotary*");
    }

    [Fact]
    public void A_ring_past_the_end_of_the_table_is_refused()
    {
        using AttentionPlan ring = Device.Plan(Problem with { Rotary = new RotaryForm(6, 12), Kv = KvLayout.Ring, KeyLengths = true });
        AttentionTensors tensors = Valid with { PositionsQ = default, PositionsKv = default, KeyLengths = Device.Upload([12, 13], 2) };
        FluentActions.Invoking(() => ring.Run(tensors)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("KeyLengths[1] = 13, but the table of angles has 12 positions*");
        Output.ToArray().Should().OnlyContain(x => x == 7);
    }

    [Fact]
    public void Explain_says_what_happens_to_rows() => Plan.Explain().Should().Contain("cosine, rotary 6 interleaved by positions");

    [Theory]
    [MemberData(nameof(Devices))]
    public void Fused_rotary_has_the_bits_of_the_separate_one(string name)
    {
        using AttentionDevice other = PresentDevices.OpenOrSkip(name);
        foreach ((int queries, bool interleaved) in ((int, bool)[])[(1, false), (21, false), (21, true)])
        {
            (int heads, int keys, int dim, int turning) = (2, 37, 24, 20);
            // A soft cap, so that kernel devices look scores up in both cases.
            AttentionProblem separate = new()
            {
                Batch = 1, HeadsQ = heads, SeqQ = queries, SeqKv = keys, HeadDim = dim, Causal = CausalMask.BottomRight, Softcap = 20,
            };
            float[] cos = HostDevices.Random(keys * turning / 2, 4), sin = HostDevices.Random(keys * turning / 2, 5);
            using DeviceTensor q = other.Upload(HostDevices.Random(heads * queries * dim, 1), heads, queries, dim);
            using DeviceTensor k = other.Upload(HostDevices.Random(heads * keys * dim, 2), heads, keys, dim);
            using DeviceTensor v = other.Upload(HostDevices.Random(heads * keys * dim, 3), heads, keys, dim);
            using DeviceTensor cosines = other.Upload(cos, keys, turning / 2), sines = other.Upload(sin, keys, turning / 2);
            using DeviceTensor fused = other.Allocate(DType.Float32, heads, queries, dim);
            using DeviceTensor apart = other.Allocate(DType.Float32, heads, queries, dim);
            using (AttentionPlan plan = other.Plan(separate with { Rotary = new RotaryForm(turning, keys, interleaved) }))
                plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = fused, Cos = cosines, Sin = sines });

            RotaryProblem rotary = new()
            {
                Batch = 1, Heads = heads, Seq = keys, HeadDim = dim, RotaryDim = turning, Interleaved = interleaved,
            };
            using RotaryPlan turnK = other.Plan(rotary), turnQ = other.Plan(rotary with { Seq = queries });
            turnK.Run(new RotaryTensors { X = k, Y = k, Cos = cosines, Sin = sines });
            TensorView last = cosines.View.Slice(0, keys - queries, queries), lastSin = sines.View.Slice(0, keys - queries, queries);
            turnQ.Run(new RotaryTensors { X = q, Y = q, Cos = last, Sin = lastSin });
            using (AttentionPlan plan = other.Plan(separate)) plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = apart });
            fused.ToArray<float>().Should().Equal(apart.ToArray<float>(), "queries {0}, interleaved {1}", queries, interleaved);
        }
    }
}
