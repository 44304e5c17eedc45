namespace AttnKernels.Tests.Host;

/// <summary>Sinks, scales of heads, documents and blocks: what is refused, and what a run costs.</summary>
public sealed class ScoreFormTests : OnePlanTests
{
    private static readonly AttentionProblem Problem = new()
    {
        Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 5, SeqKv = 9, HeadDim = 8,
        Sinks = true, HeadScales = true, Documents = true, Blocks = new BlockSparsity(2, 4),
    };

    public ScoreFormTests()
        : base(Problem, device => new AttentionTensors
        {
            Q = device.Allocate(DType.Float32, 2, 4, 5, 8),
            K = device.Allocate(DType.Float32, 2, 2, 9, 8),
            V = device.Allocate(DType.Float32, 2, 2, 9, 8),
            O = device.Allocate(DType.Float32, 2, 4, 5, 8),
            Sinks = device.Allocate(DType.Float32, 4),
            HeadScales = device.Allocate(DType.Float32, 4),
            DocumentsQ = device.Allocate(DType.Int32, 2, 5),
            DocumentsKv = device.Allocate(DType.Int32, 1, 9),
            BlockMask = device.Allocate(DType.Bool, 1, 4, 3, 3),
        })
    {
    }

    [Fact]
    public void Rows_whose_blocks_are_all_hidden_are_0()
    {
        Plan.Run(Valid);
        Output.ToArray().Should().OnlyContain(x => x == 0);
    }

    [Fact]
    public void Wrong_shapes_are_refused()
    {
        Refuse(Valid with { Sinks = Device.Allocate(DType.Float32, 2) }, "Sinks: expected shape (4), got Float32 (2)*", "Sinks");
        Refuse(Valid with { HeadScales = Device.Allocate(DType.Float32, 2, 4) }, "HeadScales: expected shape (4), got*(2, 4)*",
            "HeadScales");
        Refuse(Valid with { DocumentsQ = Device.Allocate(DType.Int32, 2, 9) }, "DocumentsQ: expected shape (2, 5), got*(2, 9)*",
            "DocumentsQ");
        Refuse(Valid with { DocumentsKv = Device.Allocate(DType.Int32, 3, 9) }, "DocumentsKv: expected shape (1, 9), got*(3, 9)*",
            "DocumentsKv");
        Refuse(
            Valid with { BlockMask = Device.Allocate(DType.Bool, 5, 9) },
            "BlockMask: expected shape (2, 4, 3, 3) with each axis full or 1, got Bool (5, 9)*", "BlockMask");
    }

    [Fact]
    public void Wrong_types_and_missing_tensors_are_refused()
    {
        Refuse(Valid with { DocumentsQ = Device.Allocate(DType.Float32, 2, 5) }, "DocumentsQ: expected type Int32, got Float32*",
            "DocumentsQ");
        Refuse(Valid with { Sinks = default }, "Sinks: the problem needs it*", "Sinks");
        Refuse(Valid with { BlockMask = default }, "BlockMask: the problem needs it*", "BlockMask");
    }

    [Fact]
    public void Tensors_that_would_be_ignored_are_refused()
    {
        using AttentionPlan bare = Device.Plan(Problem with { Sinks = false, HeadScales = false, Documents = false, Blocks = null });
        AttentionTensors none = new() { Q = Valid.Q, K = Valid.K, V = Valid.V, O = Valid.O };
        foreach ((AttentionTensors tensors, string name) in new[]
        {
            (none with { Sinks = Valid.Sinks }, "Sinks"), (none with { HeadScales = Valid.HeadScales }, "HeadScales"),
            (none with { DocumentsKv = Valid.DocumentsKv }, "DocumentsKv"), (none with { BlockMask = Valid.BlockMask }, "BlockMask"),
        })
        {
            FluentActions.Invoking(() => bare.Run(tensors)).Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
        }
    }

    [Theory, InlineData(0, 4, "Blocks.QueryBlock"), InlineData(2, -1, "Blocks.KeyBlock")]
    public void Blocks_have_positive_sizes(int queries, int keys, string name) =>
        FluentActions.Invoking(() => Device.Plan(Problem with { Blocks = new BlockSparsity(queries, keys) }))
            .Should().Throw<ArgumentOutOfRangeException>().Which.ParamName.Should().Be(name);

    [Fact]
    public void Explain_names_every_form() =>
        Plan.Explain().Should().Contain("head scales").And.Contain("documents").And.Contain("blocks 2x4").And.Contain("sinks");
}
