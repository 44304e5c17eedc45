using AttnKernels.Verification;

namespace AttnKernels.Tests.Host;

/// <summary>Score rules of the user's: what is refused, what they see, and what a run costs.</summary>
public sealed class ScoreModifierTests : IDisposable
{
    private static readonly AttentionProblem Problem = new()
    {
        Batch = 1, HeadsQ = 2, SeqQ = 9, SeqKv = 12, HeadDim = 8, Alignment = BandAlignment.BottomRight,
    };

    private readonly AttentionDevice device = AttentionDevice.Open("cpu", new DeviceOptions { Threads = 2 });
    private readonly AttentionTensors tensors;

    public ScoreModifierTests() => tensors = Tensors(device).Tensors;

    public void Dispose() => device.Dispose();

    [Fact]
    public void A_run_allocates_nothing()
    {
        using AttentionPlan<TableBias> plan = device.Plan<TableBias>(Problem);
        AttentionTensors looked = tensors with { RuleFloats = device.Allocate(DType.Float32, 2, 4) };
        for (int warm = 0; warm < 3; warm++) plan.Run(looked, new TableBias(3));
        long before = GC.GetAllocatedBytesForCurrentThread();
        plan.Run(looked, new TableBias(3));
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void Explain_names_the_rule()
    {
        using AttentionPlan<LogBias> plan = device.Plan<LogBias>(Problem);
        plan.Explain().Should().Contain("scores by LogBias");
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Values_are_those_of_the_run(string name)
    {
        using AttentionDevice opened = AttentionDevice.Open(name);
        (AttentionTensors t, DeviceTensor o) = Tensors(opened);
        using AttentionPlan<HideFrom> plan = opened.Plan<HideFrom>(Problem);
        float[] all = Run(new HideFrom(99));
        Run(new HideFrom(5)).Should().NotEqual(all);
        Run(new HideFrom(99)).Should().Equal(all);
        Run(new HideFrom(0)).Should().OnlyContain(x => x == 0, "a row that sees no key gives 0");

        float[] Run(HideFrom rule)
        {
            plan.Run(t, rule);
            return o.ToFloats();
        }
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Outside_its_tables_a_rule_reads_nan_and_the_smallest_integer(string name)
    {
        using AttentionDevice opened = AttentionDevice.Open(name);
        (AttentionTensors t, DeviceTensor o) = Tensors(opened);
        using AttentionPlan<TableBias> bias = opened.Plan<TableBias>(Problem);
        bias.Run(t, new TableBias(3));
        o.ToFloats().Should().OnlyContain(x => float.IsNaN(x), "there is no table");
        using AttentionPlan<IntegerAt> integers = opened.Plan<IntegerAt>(Problem);
        t = t with { RuleInts = opened.Upload([5, 6, 7], 3) };
        float[] visible = Run(new IntegerAt(2, 7));
        visible.Should().Contain(x => x != 0);
        Run(new IntegerAt(3, int.MinValue)).Should().Equal(visible);
        Run(new IntegerAt(-1, int.MinValue)).Should().Equal(visible);
        Run(new IntegerAt(2, 6)).Should().OnlyContain(x => x == 0);

        float[] Run(IntegerAt rule)
        {
            integers.Run(t, rule);
            return o.ToFloats();
        }
    }

    [Fact]
    public void What_no_kernel_can_hold_is_refused()
    {
        Refuse<NotPublic>("Score modifier NotPublic is not public*");
        Refuse<WithFlag>("Score modifier WithFlag: field On is a Boolean. Kernels receive int, uint*");
        Refuse<WithHalf>("Score modifier WithHalf: field * is a UInt16*");
        Refuse<WithEnum>("Score modifier WithEnum: field Mode is a DType*");

        void Refuse<TRule>(string message)
            where TRule : unmanaged, IScoreModifier =>
            FluentActions.Invoking(() => device.Plan<TRule>(Problem)).Should().Throw<NotSupportedException>().WithMessage(message);
    }

    [Fact]
    public void Tables_are_checked()
    {
        using AttentionPlan<TableBias> plan = device.Plan<TableBias>(Problem);
        using AttentionPlan bare = device.Plan(Problem);
        DeviceTensor floats = device.Allocate(DType.Float32, 4, 6), ints = device.Allocate(DType.Int32, 5);
        Refuse(() => plan.Run(tensors with { RuleFloats = ints }, default), "RuleFloats", "RuleFloats: expected type Float32, got Int32*");
        Refuse(() => plan.Run(tensors with { RuleInts = floats }, default), "RuleInts", "RuleInts: expected type Int32, got Float32*");
        Refuse(() => plan.Run(tensors with { RuleFloats = floats.View.Transpose(0, 1) }, default), "RuleFloats",
            "RuleFloats: must be dense*");
        Refuse(() => plan.Run(tensors with { RuleFloats = tensors.O }, default), "O", "O * overlaps RuleFloats *");
        Refuse(() => bare.Run(tensors with { RuleFloats = floats }), "RuleFloats", "RuleFloats: a tensor*no score modifier*");
        Refuse(() => bare.Run(tensors with { RuleInts = ints }), "RuleInts", "RuleInts: a tensor*no score modifier*");

        static void Refuse(Action run, string name, string message) =>
            run.Should().Throw<ArgumentException>().WithMessage(message).Which.ParamName.Should().Be(name);
    }

    private static (AttentionTensors Tensors, DeviceTensor O) Tensors(AttentionDevice device)
    {
        DeviceTensor o = device.Allocate(DType.Float32, 1, 2, 9, 8);
        AttentionTensors made = new()
        {
            Q = device.Upload(HostDevices.Random(2 * 9 * 8, 1), 1, 2, 9, 8),
            K = device.Upload(HostDevices.Random(2 * 12 * 8, 2), 1, 2, 12, 8),
            V = device.Upload(HostDevices.Random(2 * 12 * 8, 3), 1, 2, 12, 8),
            O = o,
        };
        return (made, o);
    }

    private readonly struct NotPublic : IScoreModifier
    {
        public float Score<TTables>(float score, in ScorePosition at, TTables tables)
            where TTables : struct, IScoreTables => score;
    }
}

/// <summary>Hides a key and those after it.</summary>
public readonly struct HideFrom(int key) : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => at.Key < key ? score : float.NegativeInfinity;
}

/// <summary>Shows keys only where an element of the integers is the expected one.</summary>
public readonly struct IntegerAt(int index, int expected) : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => tables.Int(index) == expected ? score : float.NegativeInfinity;
}

public readonly struct WithFlag(bool on) : IScoreModifier
{
    public readonly bool On = on;

    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => On ? score : -score;
}

/// <summary>A structure within, whose field is too small.</summary>
public readonly struct WithHalf(Half factor) : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => score * (float)factor;
}

public readonly struct WithEnum(DType mode) : IScoreModifier
{
    public readonly DType Mode = mode;

    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => Mode == DType.Float32 ? score : -score;
}
