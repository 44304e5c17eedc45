#if KERNEL_API_SIMULATOR
using AttnKernels.Devices.Simulator;
using AttnKernels.Kernels;
using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Tests.Host;

/// <summary>What the simulator finds reaches the caller of the library.</summary>
public class SimulatorDeviceTests
{
    /// <summary>The argument of a kernel that reads past its array.</summary>
    public struct PastArgs
    {
        public ArrayView<float> X;
    }

    private static readonly KernelEntry<PastArgs> Past = new("ReadPast", ReadPast, GroupSize: 2, SharedBytes: 0);

    [Fact]
    public void A_finding_is_a_fault_that_names_kernel_and_device()
    {
        using AttentionDevice device = AttentionDevice.Open("simulator");
        DeviceFaultException fault = FluentActions.Invoking(() => Launch(device)).Should().Throw<DeviceFaultException>().Which;
        fault.Kernel.Should().Be("ReadPast");
        fault.Device.Should().Be("simulator");
        fault.Message.Should().Contain("ReadPast").And.Contain("simulator").And.Contain("matmul 1x1x1 Float32").And.Contain("OutOfBounds");
        fault.InnerException.Should().BeOfType<SimulationException>().Which.Report.IsClean.Should().BeFalse();
    }

    [Fact]
    public void A_listener_receives_every_report()
    {
        using AttentionDevice device = AttentionDevice.Open("simulator");
        List<string> seen = [];
        ((SimulatorDevice)device.Backend).OnLaunch = (report, entry, problem) => seen.Add($"{entry.Name} {report.IsClean} {problem}");
        Launch(device);
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 1, N = 1, K = 1 });
        using DeviceTensor x = device.Allocate(DType.Float32, 3);
        TensorView matrix = x.View.Unsqueeze(0);
        plan.Run(new MatmulTensors { A = matrix.Slice(1, 0, 1), B = matrix.Slice(1, 1, 1), C = matrix.Slice(1, 2, 1) });
        seen.Should().HaveCount(2);
        seen[0].Should().Be("ReadPast False matmul 1x1x1 Float32");
        seen[1].Should().EndWith("True matmul 1x1x1 Float32");
    }

    private static void Launch(AttentionDevice device)
    {
        KernelDevice kernels = (KernelDevice)device.Backend;
        using DeviceTensor x = device.Allocate(DType.Float32, 4);
        using (device.DefaultStream.Enter(new MatmulProblem { M = 1, N = 1, K = 1 }))
            kernels.Load(Past).Launch(device.DefaultStream, groups: 1, new PastArgs { X = kernels.View<float>(x.View.Buffer) });
    }

    private static void ReadPast(PastArgs args) => args.X[Group.IdxX] = args.X[4];
}
#endif
