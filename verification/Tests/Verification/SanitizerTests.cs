#if KERNEL_API_SIMULATOR
using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>Every kernel of the library on the simulator, and with them every case that <see cref="CaseSetTests"/> has for it.</summary>
public class SanitizerTests
{
    private static DeviceInfo Simulator => AttentionDevice.List().Single(d => d.Kind == DeviceKind.Simulator);

    [Fact]
    public void Every_kernel_runs_and_is_clean()
    {
        (IReadOnlyList<KernelFindings> kernels, VerificationReport report) = Sanitizer.Run(cancel: TestContext.Current.CancellationToken);

        report.Results.Select(r => r.Case).Should().Contain(Verifier.For(Simulator));
        kernels.Where(k => k.Launches == 0).Select(k => k.Kernel).Should().BeEmpty("a kernel that no case reaches is not checked");
        kernels.SelectMany(k => k.Findings).Should().BeEmpty();
        kernels.Where(k => k.BankConflicts > 0).Select(k => $"{k.Kernel}: {k.BankConflicts}").Should()
            .BeEmpty("shared memory is laid out so");
        CaseSetTests.ShouldPass(report);
    }
}
#endif
