namespace AttnKernels.Tests.Host;

/// <summary>Appending to caches: what is refused before anything is written, and what a run allocates.</summary>
public sealed class CacheAppendTests : IDisposable
{
    private readonly AttentionDevice device = AttentionDevice.Open("cpu");
    private readonly CacheAppendProblem problem = new()
    {
        Batch = 2, Heads = 2, Capacity = 10, Rows = 3, HeadDim = 8, Starts = true, Kv = KvLayout.Paged(4, 6), CacheType = DType.Int8,
    };

    private readonly CacheAppendPlan plan;
    private readonly CacheAppendTensors valid;

    public CacheAppendTests()
    {
        plan = device.Plan(problem);
        valid = new CacheAppendTensors
        {
            Cache = device.Upload(Enumerable.Repeat((sbyte)7, 6 * 2 * 4 * 8).ToArray(), 6, 2, 4, 8),
            Scales = device.Allocate(DType.Float32, 6, 2, 4),
            Update = device.Allocate(DType.Float32, 2, 2, 3, 8),
            Starts = device.Upload([7, 0], 2),
            BlockTable = device.Upload([99, 2, 5, 4, 99, 99], 2, 3), // the others hold no new row
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
        for (int warm = 0; warm < 50; warm++) plan.Run(valid);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int run = 0; run < 20; run++) plan.Run(valid);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
        Cache().Count(x => x == 0).Should().Be(2 * 2 * 3 * 8);
    }

    [Fact]
    public void A_full_cache_is_refused()
    {
        const string Message =
            "Starts[1] = 8 is not in 0..7: the cache holds 10 rows of each entry, and 3 are to be written from there on*";
        Refuse<ArgumentOutOfRangeException>(valid with { Starts = device.Upload([7, 8], 2) }, Message, "Starts");
        using CacheAppendPlan ring = device.Plan(problem with { Kv = KvLayout.Ring, CacheType = DType.Float32 });
        CacheAppendTensors inRing = new() { Cache = device.Allocate(DType.Float32, 2, 2, 10, 8), Update = valid.Update };
        const int Last = ScoreProblem.MaxRows - 3;
        ring.Run(inRing with { Starts = device.Upload([Last, 0], 2) });
        FluentActions.Invoking(() => ring.Run(inRing with { Starts = device.Upload([Last + 1, 0], 2) }))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage($"Starts[0] = {Last + 1} is not in 0..{Last}*");
        Refuse<ArgumentOutOfRangeException>(valid with { Starts = device.Upload([-1, 0], 2) }, "Starts[0] = -1 is not in 0..7*", "Starts");
    }

    [Fact]
    public void A_block_outside_the_cache_is_refused() => Refuse<ArgumentOutOfRangeException>(
        valid with { BlockTable = device.Upload([99, 2, 6, 4, 99, 99], 2, 3) },
        "BlockTable[0, 2] = 6 is not in 0..5, and rows 7..9 of entry 0 are to be written*", "BlockTable");

    [Fact]
    public void Wrong_and_missing_tensors_are_refused()
    {
        Refuse<ArgumentException>(valid with { Scales = default }, "Scales: the problem needs it*", "Scales");
        Refuse<ArgumentException>(valid with { Scales = device.Allocate(DType.Float32, 6, 2, 8) }, "Scales: expected shape (6, 2, 4)*",
            "Scales");
        Refuse<ArgumentException>(valid with { BlockTable = device.Upload([1, 2, 3, 4], 2, 2) }, "BlockTable: expected shape (2, 3)*",
            "BlockTable");
        Refuse<ArgumentException>(valid with { Cache = device.Allocate(DType.Float32, 6, 2, 4, 8) }, "Cache: expected type Int8*", "Cache");
    }

    [Fact]
    public void Tensors_that_would_be_ignored_are_refused()
    {
        using CacheAppendPlan plain = device.Plan(problem with { Kv = default, CacheType = DType.Float32 });
        CacheAppendTensors tensors = valid with { Cache = device.Allocate(DType.Float32, 2, 2, 10, 8) };
        FluentActions.Invoking(() => plain.Run(tensors)).Should().Throw<ArgumentException>().WithMessage("Scales*CacheType == Int8*");
        FluentActions.Invoking(() => plain.Run(tensors with { Scales = default }))
            .Should().Throw<ArgumentException>().WithMessage("BlockTable*Kv.IsPaged*");
    }

    [Fact]
    public void Wrong_problems_are_refused() => FluentActions.Invoking(() => device.Plan(problem with { CacheType = DType.Bool }))
        .Should().Throw<ArgumentException>().WithMessage("CacheType must be*Bool*");

    [Fact]
    public void Explain_says_how_the_cache_lies() => plan.Explain().Should().Contain("Float32 to Int8, Paged(4, 6)");

    private void Refuse<TException>(CacheAppendTensors tensors, string message, string argument)
        where TException : ArgumentException
    {
        FluentActions.Invoking(() => plan.Run(tensors)).Should().Throw<TException>().WithMessage(message).WithParameterName(argument);
        Cache().Should().OnlyContain(x => x == 7, "nothing is written before all checks have passed");
    }

    private unsafe sbyte[] Cache() => new Span<sbyte>((void*)valid.Cache.Buffer!.Address, (int)valid.Cache.Count).ToArray();
}
