namespace AttnKernels.Tests.Host;

/// <summary>score - slope * key.</summary>
public readonly struct SlopeRule(float slope) : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => score - (slope * at.Key);
}

/// <summary>
/// Weights of chosen rows after a fused run: what they equal, what is refused before anything is written, what a run allocates.
/// </summary>
public sealed class WeightsTests : IDisposable
{
    private static readonly AttentionProblem Attention = new()
    {
        Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 5, SeqKv = 9, HeadDim = 8, Causal = CausalMask.BottomRight, Lse = true,
    };

    private static readonly WeightsProblem Problem = new() { Attention = Attention, Rows = 3 };

    private readonly AttentionDevice device = AttentionDevice.Open("cpu");
    private readonly WeightsPlan plan;
    private readonly DeviceTensor p;
    private readonly WeightsTensors valid;

    public WeightsTests()
    {
        plan = device.Plan(Problem);
        p = device.Upload(Enumerable.Repeat(7f, 27).ToArray(), 3, 9);
        valid = new WeightsTensors
        {
            Attention = Inputs(device),
            Rows = device.Upload<int>([1, 3, 4, 0, 0, 0, 0, 3, 2], 3, 3),
            P = p,
        };
        using AttentionPlan fused = device.Plan(Attention);
        fused.Run(valid.Attention);
    }

    public void Dispose()
    {
        plan.Dispose();
        device.Dispose();
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void They_are_the_rows_of_all_weights(string name)
    {
        using AttentionDevice other = AttentionDevice.Open(name);
        AttentionTensors tensors = Inputs(other);
        using DeviceTensor all = other.Allocate(DType.Float32, 2, 4, 5, 9), chosen = other.Allocate(DType.Float32, 3, 9);
        using DeviceTensor rows = other.Upload<int>([1, 3, 4, 0, 0, 0, 0, 3, 2], 3, 3);
        using (AttentionPlan unfused = other.Plan(Attention with { Weights = true })) unfused.Run(tensors with { Weights = all });
        using (AttentionPlan fused = other.Plan(Attention)) fused.Run(tensors);
        using (WeightsPlan weights = other.Plan(Problem))
        {
            weights.WorkspaceBytes.Should().Be(0);
            weights.Run(new WeightsTensors { Attention = tensors, Rows = rows, P = chosen });
        }

        float[] expected = all.ToArray<float>(), got = chosen.ToArray<float>();
        int[] places = [(((1 * 4) + 3) * 5) + 4, 0, (3 * 5) + 2];
        for (int n = 0; n < 27; n++) got[n].Should().BeApproximately(expected[(places[n / 9] * 9) + (n % 9)], 1e-6f);
    }

    [Theory]
    [InlineData(2, 0, 0)]
    [InlineData(0, 4, 0)]
    [InlineData(0, 0, 5)]
    [InlineData(0, -1, 0)]
    public void A_row_that_does_not_exist_is_refused(int b, int h, int i) => Refuse<ArgumentOutOfRangeException>(
        valid with { Rows = device.Upload<int>([1, 3, 4, b, h, i, 0, 0, 0], 3, 3) },
        $"Rows[1] = ({b}, {h}, {i}) is no row (batch entry, head, query) of 2 x 4 x 5*");

    [Fact]
    public void A_row_past_its_own_sequence_is_refused()
    {
        AttentionProblem packed = Attention with { Packed = new PackedSequences(8, 12) };
        using WeightsPlan weights = device.Plan(Problem with { Attention = packed });
        WeightsTensors tensors = valid with { Attention = Packed(device), Rows = device.Upload<int>([0, 3, 4, 1, 0, 2, 1, 0, 3], 3, 3) };
        FluentActions.Invoking(() => weights.Run(tensors)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("Rows[2] = (1, 0, 3) is no row (batch entry, head, query) of 2 x 4 x 3, the queries of entry 1*");
        FluentActions.Invoking(() => weights.Run(tensors with { Attention = tensors.Attention with { StartsQ = default } }))
            .Should().Throw<ArgumentException>().WithMessage("StartsQ: the problem needs it*");
        p.ToArray<float>().Should().OnlyContain(x => x == 7, "nothing is written before all checks have passed");
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_row_past_its_own_sequence_is_NaN_where_the_host_cannot_see_it(string name)
    {
        using AttentionDevice other = AttentionDevice.Open(name);
        using DeviceTensor rows = other.Upload<int>([0, 3, 4, 1, 0, 2, 1, 0, 3], 3, 3), chosen = other.Allocate(DType.Float32, 3, 9);
        Assert.SkipWhen(rows.View.Buffer!.Address != 0, $"the host sees the memory of {name}");
        AttentionProblem packed = Attention with { Packed = new PackedSequences(8, 12) };
        AttentionTensors tensors = Packed(other);
        using AttentionPlan fused = other.Plan(packed);
        fused.Run(tensors);
        using WeightsPlan weights = other.Plan(Problem with { Attention = packed });
        weights.Run(new WeightsTensors { Attention = tensors, Rows = rows, P = chosen });
        float[] got = chosen.ToArray<float>();
        got.Take(9).Sum().Should().BeApproximately(1, 1e-5f);
        got.Skip(9).Take(9).Sum().Should().BeApproximately(1, 1e-5f);
        got.Skip(18).Should().OnlyContain(x => float.IsNaN(x));
    }

    [Fact]
    public void Tables_are_for_a_score_modifier_and_all_weights_for_plain_keys()
    {
        Refuse<ArgumentException>(
            valid with { Attention = valid.Attention with { RuleFloats = device.Allocate(DType.Float32, 3) } },
            "RuleFloats: a tensor (*) was given, but the plan has no score modifier*");
        Action all = () => device.Plan(Attention with { Weights = true, Kv = KvLayout.Ring, KeyLengths = true });
        all.Should().Throw<NotSupportedException>().WithMessage("*a WeightsProblem gives the weights of chosen rows after it.");
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_row_that_does_not_exist_is_NaN_where_the_host_cannot_see_it(string name)
    {
        using AttentionDevice other = AttentionDevice.Open(name);
        using DeviceTensor rows = other.Upload<int>([1, 3, 4, 0, 4, 0, -1, 0, 0], 3, 3), chosen = other.Allocate(DType.Float32, 3, 9);
        Assert.SkipWhen(rows.View.Buffer!.Address != 0, $"the host sees the memory of {name}");
        AttentionTensors tensors = Inputs(other);
        using AttentionPlan fused = other.Plan(Attention);
        fused.Run(tensors);
        using WeightsPlan weights = other.Plan(Problem);
        weights.Run(new WeightsTensors { Attention = tensors, Rows = rows, P = chosen });
        float[] got = chosen.ToArray<float>();
        got.Take(9).Sum().Should().BeApproximately(1, 1e-5f);
        got.Skip(9).Should().OnlyContain(x => float.IsNaN(x));
    }

    [Fact]
    public void Tensors_of_another_shape_are_refused()
    {
        Refuse<ArgumentException>(valid with { Rows = device.Allocate(DType.Int32, 3, 2) },
            "Rows: expected shape (3, 3), got Int32 (3, 2)*");
        Refuse<ArgumentException>(
            valid with { Attention = valid.Attention with { Lse = default } }, "Lse: the problem needs it, but no tensor was given*");
        Refuse<ArgumentException>(
            valid with { Attention = valid.Attention with { Lse = device.Allocate(DType.Float32, 2, 4, 4) } },
            "Lse: expected shape (2, 4, 5)*");
        FluentActions.Invoking(() => plan.Run(valid with { P = device.Allocate(DType.Float32, 3, 8) }))
            .Should().Throw<ArgumentException>().WithMessage("P: expected shape (3, 9)*");
    }

    [Fact]
    public void P_in_the_memory_of_an_input_is_refused()
    {
        DeviceTensor both = device.Allocate(DType.Float32, 40);
        AttentionTensors tensors = valid.Attention with { Lse = both.View.Reshape(2, 4, 5) };
        FluentActions.Invoking(() => plan.Run(valid with { Attention = tensors, P = both.View.Slice(0, 0, 27).Reshape(3, 9) }))
            .Should().Throw<ArgumentException>().WithMessage("P (*overlaps Lse*");
    }

    [Fact]
    public void A_problem_without_an_lse_or_rows_is_refused()
    {
        Action noLse = () => device.Plan(Problem with { Attention = Attention with { Lse = false } });
        noLse.Should().Throw<ArgumentException>().WithMessage("Attention.Lse must be true*");
        Action all = () => device.Plan(Problem with { Attention = Attention with { Weights = true } });
        all.Should().Throw<ArgumentException>().WithMessage("Attention.Weights is true*");
        Action none = () => device.Plan(Problem with { Rows = 0 });
        none.Should().Throw<ArgumentOutOfRangeException>().WithMessage("Rows must be*");
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void V_and_O_may_be_left_out_or_gone(string name)
    {
        using AttentionDevice other = AttentionDevice.Open(name);
        AttentionTensors tensors = Inputs(other);
        using DeviceTensor first = other.Allocate(DType.Float32, 3, 9), second = other.Allocate(DType.Float32, 3, 9);
        using DeviceTensor gone = other.Allocate(DType.Float32, 1);
        using DeviceTensor rows = other.Upload<int>([1, 3, 4, 0, 0, 0, 0, 3, 2], 3, 3);
        using (AttentionPlan fused = other.Plan(Attention)) fused.Run(tensors);
        using WeightsPlan weights = other.Plan(Problem);
        weights.Run(new WeightsTensors { Attention = tensors, Rows = rows, P = first });
        gone.Dispose();
        weights.Run(new WeightsTensors { Attention = tensors with { V = gone, O = default }, Rows = rows, P = second });
        second.ToArray<float>().Should().Equal(first.ToArray<float>());
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        using WeightsPlan<SlopeRule> ruled = device.Plan<SlopeRule>(Problem);
        RequireNoAllocation(() => plan.Run(valid));
        RequireNoAllocation(() => ruled.Run(valid, new SlopeRule(0.5f)));
    }

    private static void RequireNoAllocation(Action run)
    {
        for (int n = 0; n < 3; n++) run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int n = 0; n < 10; n++) run();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    private static AttentionTensors Inputs(AttentionDevice device) => new()
    {
        Q = device.Upload(HostDevices.Random(2 * 4 * 5 * 8, 1), 2, 4, 5, 8),
        K = device.Upload(HostDevices.Random(2 * 2 * 9 * 8, 2), 2, 2, 9, 8),
        V = device.Upload(HostDevices.Random(2 * 2 * 9 * 8, 3), 2, 2, 9, 8),
        O = device.Allocate(DType.Float32, 2, 4, 5, 8),
        Lse = device.Allocate(DType.Float32, 2, 4, 5),
    };

    /// <summary>Sequences of 5 and 3 queries, 9 and 3 keys.</summary>
    private static AttentionTensors Packed(AttentionDevice device) => new()
    {
        Q = device.Upload(HostDevices.Random(4 * 8 * 8, 1), 1, 4, 8, 8),
        K = device.Upload(HostDevices.Random(2 * 12 * 8, 2), 1, 2, 12, 8),
        V = device.Upload(HostDevices.Random(2 * 12 * 8, 3), 1, 2, 12, 8),
        O = device.Allocate(DType.Float32, 1, 4, 8, 8),
        Lse = device.Allocate(DType.Float32, 1, 4, 8),
        StartsQ = device.Upload<int>([0, 5, 8], 3),
        StartsKv = device.Upload<int>([0, 9, 12], 3),
    };

    private void Refuse<TException>(WeightsTensors tensors, string message)
        where TException : ArgumentException
    {
        FluentActions.Invoking(() => plan.Run(tensors)).Should().Throw<TException>().WithMessage(message);
        p.ToArray<float>().Should().OnlyContain(x => x == 7, "nothing is written before all checks have passed");
    }
}
