using System.Reflection;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Verification;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>A fault names kernel, problem and device; a device that it ended refuses, and others go on.</summary>
public sealed class FaultTests
{
    private static readonly MatmulProblem Problem = new() { M = 32, N = 32, K = 32 };

    [Theory]
    [InlineData(CudaError.CUDA_ERROR_ILLEGAL_ADDRESS)]
    [InlineData(CudaError.CUDA_ERROR_LAUNCH_FAILED)]
    [InlineData((CudaError)46)]
    public void AFaultOfAKernelNamesItAndEndsTheDevice(CudaError error)
    {
        using Bench bench = new(new FakeDriver { Error = error });
        bench.Run();
        bench.Device.Driver.Failing = "launch";
        DeviceFaultException first = bench.Invoking(b => b.Run()).Should().Throw<DeviceFaultException>().Which;
        first.Kernel.Should().StartWith("TiledMatmul fp32");
        first.Message.Should().Contain("cuda:7").And.Contain(Problem.ToString()).And.Contain("opened anew");
        first.IsDeviceLost.Should().BeTrue();

        bench.Device.Driver.Failing = "";
        int calls = bench.Device.Driver.Calls.Count;
        foreach (Action use in (Action[])[bench.Run, bench.Attention.Synchronize, bench.Stream.Synchronize])
            use.Should().Throw<DeviceFaultException>().WithMessage("Device cuda:7 must be*TiledMatmul*")
                .Which.InnerException.Should().Be(first);
        bench.Device.Driver.Calls.Should().HaveCount(calls, "a lost device is not called");
    }

    [Fact]
    public void VerificationStopsWhereTheDeviceIsLost()
    {
        using AttentionDevice device = new(new FakeCudaDevice(new FakeDriver { Failing = "launch" }));
        VerificationReport report = Verifier.Run(device, "matmul float32", cancel: TestContext.Current.CancellationToken);
        report.Results.Should().ContainSingle().Which.Should().Match<CaseResult>(r => r.Outcome == Outcome.Failed && r.LostDevice);
    }

    [Fact]
    public void AKernelThatTheDriverRefusesFailsItsCase()
    {
        using AttentionDevice device = new(new FakeCudaDevice(
            new FakeDriver { Failing = "load", Error = CudaError.CUDA_ERROR_INVALID_PTX }));
        VerificationReport report = Verifier.Run(device, "rotary float32", cancel: TestContext.Current.CancellationToken);
        report.Results.Should().NotBeEmpty().And.OnlyContain(r => r.Outcome == Outcome.Failed && !r.LostDevice);
    }

    [Fact]
    public void OfTwoDevicesTheOtherGoesOn()
    {
        using Bench lost = new(new FakeDriver { Failing = "launch" }), other = new(new FakeDriver(), "cuda:8");
        lost.Invoking(b => b.Run()).Should().Throw<DeviceFaultException>().WithMessage("*cuda:7*");
        other.Run();
        other.Attention.Synchronize();
        other.Device.Driver.Calls.Should().Contain(call => call.StartsWith("launch", StringComparison.Ordinal));
        lost.Invoking(b => b.Run()).Should().Throw<DeviceFaultException>().WithMessage("*cuda:7 must be*");
    }

    [Theory]
    [InlineData(CudaError.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)]
    [InlineData(CudaError.CUDA_ERROR_INVALID_VALUE)]
    public void ARefusedLaunchLeavesTheDeviceUsable(CudaError error)
    {
        using Bench bench = new(new FakeDriver { Error = error, Failing = "launch" });
        DeviceFaultException fault = bench.Invoking(b => b.Run()).Should().Throw<DeviceFaultException>().Which;
        fault.IsDeviceLost.Should().BeFalse();
        fault.Message.Should().NotContain("anew");
        bench.Device.Driver.Failing = "";
        bench.Run();
    }

    [Fact]
    public void AFaultThatSurfacesElsewhereNamesTheLastLaunchOfAll()
    {
        using Bench bench = new(new FakeDriver());
        bench.Run();
        ((LaunchStream)bench.Stream.Backend).Fault(new CLException(CLError.CL_INVALID_VALUE))
            .Kernel.Should().StartWith("TiledMatmul");
    }

    [Fact]
    public void EventsTimeAStream()
    {
        using Bench bench = new(new FakeDriver());
        LaunchStream stream = (LaunchStream)bench.Attention.DefaultStream.Backend;
        int before = bench.Device.Driver.Calls.Count;
        using (CudaTimer timer = new(bench.Device.Driver, stream))
        {
            timer.Start();
            timer.Stop();
            timer.Milliseconds().Should().Be(1.5);
            bench.Device.Driver.Failing = "record";
            ((Action)timer.Start).Should().Throw<DeviceFaultException>();
        }
        bench.Device.Driver.Calls.Skip(before).Where(c => c != "bind").Select(c => c.Split(' ')[0]).Should()
            .Equal("create", "create", "record", "record", "wait", "elapsed", "record", "destroy", "destroy");
    }

    public static TheoryData<string> Devices => [.. AttentionDevice.List().Where(d => d.Kind != DeviceKind.Cpu).Select(d => d.Name)];

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task EveryCallOnALostDeviceRefusesAndOthersGoOn(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using AttentionDevice twin = AttentionDevice.Open(name);
        using MatmulPlan plan = device.Plan(Problem);
        using DeviceStream stream = device.CreateStream();
        using DeviceTensor x = device.Upload(new float[32 * 32], 1, 32, 32), y = device.Allocate(DType.Float32, 1, 32, 32);
        ((IlgpuDevice)device.Backend).Faults.Report(null, null, new CudaException("gone"), endsDevice: true);

        Action[] calls =
        [
            () => plan.Run(new MatmulTensors { A = x, B = x, C = y }), () => x.ToArray<float>(), () => x.Upload<float>(new float[32 * 32]),
            () => x.Fill(1), () => device.Allocate(DType.Float32, 4), () => device.Upload([1f], 1), () => device.CreateStream(),
            device.Synchronize, stream.Synchronize, device.DefaultStream.Synchronize,
            () => device.Plan(new SoftmaxProblem { Rows = 3, Columns = 3 }),
        ];
        foreach (Action call in calls)
            call.Should().Throw<DeviceFaultException>().WithMessage($"Device {name} must be disposed and opened anew*");

        Multiply(twin);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => Multiply(twin))));
        using AttentionDevice cpu = AttentionDevice.Open("cpu");
        Multiply(cpu);
    }

    [Fact]
    public void ADeviceOpenedAnewWorks()
    {
        string name = Devices.First();
        AttentionDevice lost = AttentionDevice.Open(name);
        DeviceTensor x = lost.Upload([1f], 1);
        ((IlgpuDevice)lost.Backend).Faults.Report(null, null, new CudaException("gone"), endsDevice: true);
        x.Dispose();
        lost.Dispose();
        using AttentionDevice anew = AttentionDevice.Open(name);
        Multiply(anew);
    }

    [Fact]
    public void ALostDeviceFreesAllThatIlgpuHolds()
    {
        AttentionDevice device = AttentionDevice.Open(Devices.First());
        IlgpuDevice backend = (IlgpuDevice)device.Backend;
        IlgpuBuffer live = (IlgpuBuffer)backend.Allocate(64), freed = (IlgpuBuffer)backend.Allocate(64);
        IlgpuStream stream = (IlgpuStream)backend.CreateStream();
        backend.Faults.Report(null, null, new CudaException("gone"), endsDevice: true);

        freed.Dispose();
        freed.Memory.IsDisposed.Should().BeTrue("its finaliser would bind the lost context");
        device.Dispose();
        live.Memory.IsDisposed.Should().BeTrue();
        stream.Stream.IsDisposed.Should().BeTrue();
        backend.Accelerator.IsDisposed.Should().BeTrue();
    }

    /// <summary>What a lost context cannot free stops ILGPU, and is no hindrance here.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnObjectThatCannotBeFreedKeepsNothingElse(bool isLost)
    {
        using Context context = Context.Create(builder => builder.DefaultCPU());
        Accelerator accelerator = context.GetCPUDevice(0).CreateAccelerator(context);
        using Stuck first = new(accelerator);
        using MemoryBuffer memory = accelerator.AllocateRaw(64, 1);
        if (isLost) LostAccelerator.Dispose(accelerator);
        else accelerator.Invoking(a => a.Dispose()).Should().Throw<CudaException>();

        accelerator.IsDisposed.Should().Be(isLost);
        memory.IsDisposed.Should().Be(isLost);
    }

    [Fact]
    public void AnErrorOfTheAcceleratorInAnyCallIsAFault()
    {
        using AttentionDevice device = AttentionDevice.Open("ilgpu-cpu");
        LaunchStream stream = (LaunchStream)device.DefaultStream.Backend;
        stream.Invoking(s => s.Call(() => throw new CLException(CLError.CL_INVALID_VALUE))).Should().Throw<DeviceFaultException>()
            .Which.IsDeviceLost.Should().BeFalse();
        stream.Invoking(s => s.Call(() => throw new CLException(CLError.CL_DEVICE_NOT_AVAILABLE))).Should().Throw<DeviceFaultException>()
            .Which.IsDeviceLost.Should().BeTrue();
    }

    [Fact]
    public void OnlyWantOfMemoryIsCalledSo()
    {
        FaultKinds.IsOutOfMemory(Ilgpus(CudaError.CUDA_ERROR_OUT_OF_MEMORY)).Should().BeTrue();
        FaultKinds.IsOutOfMemory(Ilgpus(CudaError.CUDA_ERROR_ILLEGAL_ADDRESS)).Should().BeFalse();
        FaultKinds.IsOutOfMemory(new CLException(CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE)).Should().BeTrue();
        FaultKinds.IsOutOfMemory(new CLException(CLError.CL_INVALID_CONTEXT)).Should().BeFalse();
    }

    [Theory]
    [InlineData(CudaError.CUDA_ERROR_ILLEGAL_ADDRESS, true)]
    [InlineData((CudaError)721, true)]
    [InlineData(CudaError.CUDA_ERROR_INVALID_VALUE, false)]
    public void IlgpusOwnErrorsAreUnderstood(CudaError error, bool ends) => FaultKinds.EndsDevice(Ilgpus(error)).Should().Be(ends);

    /// <summary>What ILGPU throws; its constructor asks the driver, which is not there, for words.</summary>
    private static CudaException Ilgpus(CudaError error)
    {
        CudaException exception = new("made by a test");
        FieldInfo text = typeof(CudaException).GetField("<Error>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!;
        text.SetValue(exception, error.ToString());
        return exception;
    }

    private static void Multiply(AttentionDevice device)
    {
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 1, N = 1, K = 2 });
        using DeviceTensor a = device.Upload([2f, 3f], 1, 1, 2), b = device.Upload([5f, 7f], 1, 2, 1);
        using DeviceTensor c = device.Allocate(DType.Float32, 1, 1, 1);
        plan.Run(new MatmulTensors { A = a, B = b, C = c });
        c.ToArray<float>().Should().Equal(31);
    }

    /// <summary>Memory of a lost context, say.</summary>
    private sealed class Stuck(Accelerator accelerator) : AcceleratorObject(accelerator)
    {
        protected override void DisposeAcceleratorObject(bool disposing)
        {
            if (disposing) throw new CudaException("gone");
        }
    }

    /// <summary>A plan on the fake device with its tensors.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly MatmulPlan plan;
        private readonly DeviceTensor x;
        private readonly DeviceTensor y;

        public Bench(FakeDriver driver, string name = "cuda:7")
        {
            Device = new FakeCudaDevice(driver, name);
            Attention = new AttentionDevice(Device);
            Stream = Attention.CreateStream();
            plan = Attention.Plan(Problem);
            (x, y) = (Attention.Allocate(DType.Float32, 1, 32, 32), Attention.Allocate(DType.Float32, 1, 32, 32));
        }

        public FakeCudaDevice Device { get; }

        public AttentionDevice Attention { get; }

        public DeviceStream Stream { get; }

        public void Run() => plan.Run(new MatmulTensors { A = x, B = x, C = y });

        public void Dispose()
        {
            x.Dispose();
            y.Dispose();
            Attention.Dispose();
        }
    }
}
