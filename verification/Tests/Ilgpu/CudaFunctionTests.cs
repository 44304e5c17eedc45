using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>Loading and launching against a driver that is not there: what it is asked, and what its refusals become.</summary>
public sealed unsafe class CudaFunctionTests
{
    private static readonly KernelEntry<Numbers> Entry = new("Kernel under test", _ => { }, 64, 0);

    [Fact]
    public void ALaunchHandsOverTheGridAndTheArguments()
    {
        FakeDriver driver = new();
        CudaFunction<Numbers> function = new(driver, "cuda:7", Entry, Ptx(8, dynamicShared: 0));
        function.Launch(5, 99, new Numbers { First = 3, Second = 4 }).Should().Be(CudaError.CUDA_SUCCESS);
        driver.Calls.Should().Equal("bind", "load", "find Kernel_Kernel", "bind", "launch 5x64 shared 0 stream 99: 3 4");
    }

    [Fact]
    public void LargeSharedMemoryIsAskedForOnceAndAtEveryLaunch()
    {
        FakeDriver driver = new();
        CudaFunction<Numbers> function = new(driver, "cuda:7", Entry, Ptx(8, dynamicShared: 100000));
        function.Launch(1, 0, default);
        driver.Calls.Should().Equal("bind", "load", "find Kernel_Kernel", "allow 100000", "bind",
            "launch 1x64 shared 100000 stream 0: 0 0");
    }

    [Theory]
    [InlineData("load", "*cuda:7 cannot load kernel Kernel under test: fake error*ptxas says no*")]
    [InlineData("find", "*cuda:7 does not find kernel Kernel under test: fake error*")]
    [InlineData("allow", "*cuda:7 refuses 100000 bytes of shared memory to kernel Kernel under test: fake error*")]
    public void ARefusalNamesKernelAndDevice(string failing, string message)
    {
        FakeDriver driver = new() { Failing = failing, Error = CudaError.CUDA_ERROR_INVALID_PTX };
        Action load = () => _ = new CudaFunction<Numbers>(driver, "cuda:7", Entry, Ptx(8, 100000));
        load.Should().Throw<NotSupportedException>().WithMessage(message).WithInnerException<CudaDriverException>();
    }

    /// <summary>An earlier kernel's fault surfaces wherever the driver is asked next.</summary>
    [Theory]
    [InlineData("load")]
    [InlineData("find")]
    public void AFaultThatSurfacesWhileLoadingIsNoRefusal(string failing) =>
        ((Action)(() => _ = new CudaFunction<Numbers>(new FakeDriver { Failing = failing }, "cuda:7", Entry, Ptx(8, 0))))
            .Should().Throw<CudaDriverException>();

    [Fact]
    public void AFailedLaunchIsReported() =>
        new CudaFunction<Numbers>(new FakeDriver { Failing = "launch" }, "cuda:7", Entry, Ptx(8, 0)).Launch(1, 0, default)
            .Should().Be(CudaError.CUDA_ERROR_ILLEGAL_ADDRESS);

    [Fact]
    public void ALayoutThatDiffersFromTheKernelsIsNotLaunched() =>
        ((Action)(() => _ = new CudaFunction<Numbers>(new FakeDriver(), "cuda:7", Entry, Ptx(16, 0))))
            .Should().Throw<InvalidOperationException>().WithMessage("*takes 16 bytes*laid out in 8*");

    [Fact]
    public void LaunchingAllocatesNothing()
    {
        FakeDriver driver = new() { IsQuiet = true };
        CudaFunction<Numbers> function = new(driver, "cuda:7", Entry, Ptx(8, 0));
        function.Launch(1, 0, default);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) function.Launch(1, 0, default);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    private static KernelText Ptx(int parameterBytes, int dynamicShared) =>
        FakeDriver.Module(parameterBytes, dynamicShared);

    private struct Numbers
    {
        public int First;
        public int Second;
    }
}
