namespace AttnKernels.Tests.Host;

/// <summary>Sinks, scales of heads, documents and blocks: what is refused, and what a run costs.</summary>
public sealed class ScoreFormTests : IDisposable
{
    private static readonly AttentionProblem Problem = new()
    {
        Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 5, SeqKv = 9, HeadDim = 8,
        Sinks = true, HeadScales = true, Documents = true, Blocks = new BlockSparsity(2, 4),
    };

    private readonly AttentionDevice device = AttentionDevice.Open("cpu", new DeviceOptions { Threads = 2 });
    private readonly AttentionPlan plan;
    private readonly AttentionTensors valid;

    public ScoreFormTests()
    {
        plan = device.Plan(Problem);
        valid = new AttentionTensors
        {
            Q = device.Allocate(DType.Float32, 2, 4, 5, 8),
            K = device.Allocate(DType.Float32, 2, 2, 9, 8),
            V = device.Allocate(DType.Float32, 2, 2, 9, 8),
            O = device.Upload(Enumerable.Repeat(7f, 2 * 4 * 5 * 8).ToArray(), 2, 4, 5, 8),
            Sinks = device.Allocate(DType.Float32, 4),
            HeadScales = device.Allocate(DType.Float32, 4),
            DocumentsQ = device.Allocate(DType.Int32, 2, 5),
            DocumentsKv = device.Allocate(DType.Int32, 1, 9),
            BlockMask = device.Allocate(DType.Bool, 1, 4, 3, 3),
        };
    }

    public void Dispose()
    {
        plan.Dispose();
        device.Dispose();
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        for (int warm = 0; warm < 3; warm++) plan.Run(valid);
        Output().Should().OnlyContain(x => x == 0, "every block is hidden");
        long before = GC.GetAllocatedBytesForCurrentThread();
        plan.Run(valid);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void Wrong_shapes_are_refused()
    {
        Refuse(valid with { Sinks = device.Allocate(DType.Float32, 2) }, "Sinks: expected shape (4), got Float32 (2)*", "Sinks");
        Refuse(valid with { HeadScales = device.Allocate(DType.Float32, 2, 4) }, "HeadScales: expected shape (4), got*(2, 4)*",
            "HeadScales");
        Refuse(valid with { DocumentsQ = device.Allocate(DType.Int32, 2, 9) }, "DocumentsQ: expected shape (2, 5), got*(2, 9)*",
            "DocumentsQ");
        Refuse(valid with { DocumentsKv = device.Allocate(DType.Int32, 3, 9) }, "DocumentsKv: expected shape (1, 9), got*(3, 9)*",
            "DocumentsKv");
        Refuse(
            valid with { BlockMask = device.Allocate(DType.Bool, 5, 9) },
            "BlockMask: expected shape (2, 4, 3, 3) with each axis full or 1, got Bool (5, 9)*", "BlockMask");
    }

    [Fact]
    public void Wrong_types_and_missing_tensors_are_refused()
    {
        Refuse(valid with { DocumentsQ = device.Allocate(DType.Float32, 2, 5) }, "DocumentsQ: expected type Int32, got Float32*",
            "DocumentsQ");
        Refuse(valid with { Sinks = default }, "Sinks: the problem needs it*", "Sinks");
        Refuse(valid with { BlockMask = default }, "BlockMask: the problem needs it*", "BlockMask");
    }

    [Fact]
    public void Tensors_that_would_be_ignored_are_refused()
    {
        using AttentionPlan bare = device.Plan(Problem with { Sinks = false, HeadScales = false, Documents = false, Blocks = null });
        AttentionTensors none = new() { Q = valid.Q, K = valid.K, V = valid.V, O = valid.O };
        foreach ((AttentionTensors tensors, string name) in new[]
        {
            (none with { Sinks = valid.Sinks }, "Sinks"), (none with { HeadScales = valid.HeadScales }, "HeadScales"),
            (none with { DocumentsKv = valid.DocumentsKv }, "DocumentsKv"), (none with { BlockMask = valid.BlockMask }, "BlockMask"),
        })
        {
            FluentActions.Invoking(() => bare.Run(tensors)).Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
        }
    }

    [Theory, InlineData(0, 4, "Blocks.QueryBlock"), InlineData(2, -1, "Blocks.KeyBlock")]
    public void Blocks_have_positive_sizes(int queries, int keys, string name) =>
        FluentActions.Invoking(() => device.Plan(Problem with { Blocks = new BlockSparsity(queries, keys) }))
            .Should().Throw<ArgumentOutOfRangeException>().Which.ParamName.Should().Be(name);

    [Fact]
    public void Explain_names_every_form() =>
        plan.Explain().Should().Contain("head scales").And.Contain("documents").And.Contain("blocks 2x4").And.Contain("sinks");

    private void Refuse(AttentionTensors tensors, string message, string name)
    {
        FluentActions.Invoking(() => plan.Run(tensors)).Should().Throw<ArgumentException>().WithMessage(message).Which.ParamName.Should()
            .Be(name);
        Output().Should().OnlyContain(x => x == 7, "nothing is written before validation has passed");
    }

    private unsafe float[] Output() => new Span<float>((void*)valid.O.Buffer!.Address, (int)valid.O.Count).ToArray();
}
