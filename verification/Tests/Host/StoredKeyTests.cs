namespace AttnKernels.Tests.Host;

/// <summary>Paged and quantised keys: what is refused before anything is written, and what a run allocates.</summary>
public sealed class StoredKeyTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu");
    private readonly AttentionProblem problem = new()
    {
        Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 1, SeqKv = 40, HeadDim = 8, KvType = DType.Int8, Kv = KvLayout.Paged(16, 7),
        KeyLengths = true,
    };

    private readonly AttentionPlan plan;
    private readonly AttentionTensors valid;

    public StoredKeyTests()
    {
        plan = device.Plan(problem);
        valid = new AttentionTensors
        {
            Q = device.Allocate(DType.Float32, 2, 4, 1, 8),
            K = device.Allocate(DType.Int8, 7, 2, 16, 8),
            V = device.Allocate(DType.Int8, 7, 2, 16, 8),
            KScales = device.Allocate(DType.Float32, 7, 2, 16),
            VScales = device.Allocate(DType.Float32, 7, 2, 16),
            O = device.Upload(Enumerable.Repeat(7f, 64).ToArray(), 2, 4, 1, 8),
            KeyLengths = device.Upload([40, 17], 2),
            BlockTable = device.Upload([6, 0, 3, 2, 5, 99], 2, 3), // the last one is past the length of its entry
        };
    }

    public void Dispose()
    {
        plan.Dispose();
        device.Dispose();
    }

    [Fact]
    public void The_right_tensors_pass()
    {
        plan.Run(valid);
        Output().Should().NotContain(7);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(-1)]
    public void A_block_outside_the_cache_is_refused(int block) => Refuse<ArgumentOutOfRangeException>(
        valid with { BlockTable = device.Upload([6, 0, 3, 2, block, 99], 2, 3) },
        $"BlockTable[1, 1] = {block} is not in 0..6, and 17 keys of entry 1 are visible*", "BlockTable");

    [Fact]
    public void A_table_of_another_shape_is_refused() => Refuse<ArgumentException>(
        valid with { BlockTable = device.Upload([6, 0, 3, 2], 2, 2) }, "BlockTable: expected shape (2, 3), got Int32 (2, 2)*",
        "BlockTable");

    [Fact]
    public void Scales_of_another_shape_are_refused() => Refuse<ArgumentException>(
        valid with { VScales = device.Allocate(DType.Float32, 7, 2, 8) }, "VScales: expected shape (7, 2, 16), got Float32 (7, 2, 8)*",
        "VScales");

    [Fact]
    public void A_missing_table_is_refused() => Refuse<ArgumentException>(
        valid with { BlockTable = default }, "BlockTable: the problem needs it*", "BlockTable");

    [Fact]
    public void Scales_and_tables_that_would_be_ignored_are_refused()
    {
        using AttentionPlan plain = device.Plan(problem with { KvType = DType.Float32, Kv = default });
        TensorView keys = device.Allocate(DType.Float32, 2, 2, 40, 8);
        AttentionTensors tensors = valid with { K = keys, V = keys, VScales = default, BlockTable = default };
        FluentActions.Invoking(() => plain.Run(tensors)).Should().Throw<ArgumentException>().WithMessage("KScales*KvType == Int8*");
        tensors = tensors with { KScales = default, BlockTable = valid.BlockTable };
        FluentActions.Invoking(() => plain.Run(tensors)).Should().Throw<ArgumentException>().WithMessage("BlockTable*Kv.IsPaged*");
    }

    [Fact]
    public void Wrong_problems_are_refused()
    {
        FluentActions.Invoking(() => KvLayout.Paged(24, 7)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("*power of two, is 24*");
        FluentActions.Invoking(() => KvLayout.Paged(16, 0)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("blocks must be*");
        FluentActions.Invoking(() => device.Plan(problem with { KvType = DType.Bool })).Should().Throw<ArgumentException>()
            .WithMessage("KvType*Bool*");
        FluentActions.Invoking(() => device.Plan(problem with { Weights = true })).Should().Throw<NotSupportedException>()
            .WithMessage("*contiguous*");
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        for (int warm = 0; warm < 50; warm++) plan.Run(valid);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int run = 0; run < 20; run++) plan.Run(valid);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void The_plan_says_how_keys_are_stored() => plan.Explain().Should().Contain("keys Int8, keys Paged(16, 7)");

    private void Refuse<TException>(AttentionTensors tensors, string message, string argument)
        where TException : ArgumentException
    {
        FluentActions.Invoking(() => plan.Run(tensors)).Should().Throw<TException>().WithMessage(message).WithParameterName(argument);
        Output().Should().OnlyContain(x => x == 7f, "nothing is written before all checks have passed");
    }

    private float[] Output() => ReadOutput(valid.O);

    private static unsafe float[] ReadOutput(TensorView view) => new Span<float>((void*)view.Buffer!.Address, (int)view.Count).ToArray();
}
