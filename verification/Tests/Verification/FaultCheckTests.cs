using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The command that tries what a fault does runs where no GPU is, and sees a promise that is broken.</summary>
public sealed class FaultCheckTests
{
    private static string Checking => KernelApi.Name == "Simulator" ? "simulator" : "ptx";

    [Fact]
    public void EveryPromiseIsKept() =>
        FaultCheck.Run(() => CheckedDevices.Open(Checking)).Should().HaveCount(10).And.OnlyContain(result => result.Failure == null);

    [Fact]
    public void ADeviceThatIsNotOpenedAnewIsSeen()
    {
        int opened = 0;
        IReadOnlyList<FaultResult> results = FaultCheck.Run(
            () => ++opened <= 2 ? CheckedDevices.Open(Checking) : throw new InvalidOperationException("no context"));
        results.Where(result => result.Failure is not null).Should().ContainSingle()
            .Which.Should().Be(new FaultResult("the device works when it is opened anew", "no context"));
    }

    [Fact]
    public void DevicesInThisProcessesMemoryAreLeftAlone() =>
        ((Action)(() => FaultCheck.Run(() => AttentionDevice.Open("cpu")))).Should().Throw<NotSupportedException>().WithMessage("*cpu*");
}
