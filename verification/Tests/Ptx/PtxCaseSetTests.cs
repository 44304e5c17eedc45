using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using AttnKernels.Tests.Ilgpu;
using AttnKernels.Tests.Verification;
using AttnKernels.Verification;
using AttnKernels.Verification.Ptx;
using ILGPU.Backends;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Tests.Ptx;

/// <summary>The case set on the PTX of the CUDA kernels, executed and checked instruction by instruction.</summary>
public sealed class PtxCaseSetTests
{
    private static readonly string[] Operations = [.. Verifier.Cases.Select(c => c.Operation).Distinct()];

    public static TheoryData<int, string> MultiprocessorsAndOperations =>
        [.. PtxDevice.Multiprocessors.SelectMany(_ => Operations, (count, operation) => (count, operation))];

    [Theory]
    [MemberData(nameof(MultiprocessorsAndOperations))]
    public void Passes(int multiprocessors, string operation)
    {
        using AttentionDevice device = new(new PtxDevice(CompiledKernels.Get, multiprocessors));

        VerificationReport report = Verifier.Run(device, operation, cancel: TestContext.Current.CancellationToken);

        report.Results.Should().NotBeEmpty();
        CaseSetTests.ShouldPass(report);
    }

    /// <summary>
    /// Why <see cref="PtxText.RemoveUniform"/> is needed: rows end within a warp, and ILGPU says that its lanes branch alike.
    /// </summary>
    [Fact]
    public void IlgpusOwnTextBreaksItsPromises()
    {
        using AttentionDevice device = new(new PtxDevice(AsIlgpuWritesIt));

        VerificationReport report = Verifier.Run(device, "softmax float32 3x37", cancel: TestContext.Current.CancellationToken);

        report.Results.Should().Contain(r => r.Outcome == Outcome.Failed && r.Detail.Contains("(.uni)", StringComparison.Ordinal));
    }

    private static KernelText AsIlgpuWritesIt(KernelEntry entry)
    {
        Backend Create(ILGPU.Context context) =>
            new PTXBackend(context, new CudaArchitecture(8, 0), CudaInstructionSet.ISA_78, null!);
        return new KernelText(
            PtxText.FlushPowers(KernelTranslation.Compile<PTXCompiledKernel>(entry, KernelSpecialization.Empty, Create).PTXAssembly));
    }
}
