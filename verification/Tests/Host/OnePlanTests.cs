namespace AttnKernels.Tests.Host;

/// <summary>Tests around one attention plan of the CPU device and tensors that it takes, with 7 in every element of O.</summary>
public abstract class OnePlanTests : IDisposable
{
    private const float Untouched = 7;

    private protected OnePlanTests(AttentionProblem problem, Func<AttentionDevice, AttentionTensors> tensors)
    {
        Plan = Device.Plan(problem);
        Valid = tensors(Device);
        Output.Fill(Untouched);
    }

    private protected AttentionDevice Device { get; } = AttentionDevice.Open("cpu", new DeviceOptions { Threads = 2 });

    private protected AttentionPlan Plan { get; }

    private protected AttentionTensors Valid { get; }

    private protected unsafe Span<float> Output => new((void*)Valid.O.Buffer!.Address, (int)Valid.O.Count);

    public void Dispose()
    {
        Plan.Dispose();
        Device.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_run_allocates_nothing() => Allocated(Plan, Valid).Should().Be(0);

    private protected static long Allocated(AttentionPlan plan, in AttentionTensors tensors)
    {
        for (int warm = 0; warm < 50; warm++) plan.Run(tensors);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int run = 0; run < 20; run++) plan.Run(tensors);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>The device refuses the problem.</summary>
    private protected void Refuse(AttentionProblem problem, string message) =>
        FluentActions.Invoking(() => Device.Plan(problem)).Should().Throw<ArgumentException>().WithMessage(message);

    /// <summary>The plan refuses the tensors, and has written nothing.</summary>
    private protected void Refuse(AttentionTensors tensors, string message, string argument)
    {
        FluentActions.Invoking(() => Plan.Run(tensors))
            .Should().Throw<ArgumentException>().WithMessage(message).WithParameterName(argument);
        Output.ToArray().Should().OnlyContain(x => x == Untouched, "nothing is written before all checks have passed");
    }
}
