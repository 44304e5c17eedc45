using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>Explain says what a kernel takes of a device, as the driver says it.</summary>
public sealed class ExplainTests
{
    private static readonly MultiprocessorLimits Hopper = new(2048, 65536, 228 << 10);

    [Fact]
    public void APlanOnCudaStatesRegistersAndOccupancy()
    {
        FakeDriver driver = new() { Registers = 128, GroupsAtOnce = 2 };
        using AttentionDevice device = new(new FakeCudaDevice(driver));
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 512, N = 512, K = 32 });
        int before = driver.Calls.Count;
        plan.Explain().Should().Contain(
            "TiledMatmul fp32xfp32->fp32 64x64x8: 64 groups of 64 lanes, 8704 bytes of shared memory a group, 128 registers a lane, " +
            "2 at once on a multiprocessor (6 % of its lanes, bound by their number); ");
        driver.Calls.Skip(before).Should().Equal("bind", "get Registers", "get LocalBytes", "groups of 64 shared 0");
    }

    [Fact]
    public void ARunAsksForNothing()
    {
        FakeDriver driver = new();
        using AttentionDevice device = new(new FakeCudaDevice(driver));
        using SoftmaxPlan plan = device.Plan(new SoftmaxProblem { Rows = 2, Columns = 4 });
        using DeviceTensor x = device.Allocate(DType.Float32, 1, 1, 2, 4), y = device.Allocate(DType.Float32, 1, 1, 2, 4);
        plan.Run(new SoftmaxTensors { X = x, Y = y });
        driver.Calls.Should().NotContain(
            call => call.StartsWith("get", StringComparison.Ordinal) || call.StartsWith("groups", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("get Registers")]
    [InlineData("get LocalBytes")]
    [InlineData("groups")]
    public void ADriverThatDoesNotSayIsNoError(string failing)
    {
        FakeDriver driver = new() { Failing = failing };
        using AttentionDevice device = new(new FakeCudaDevice(driver));
        using MatmulPlan plan = device.Plan(new MatmulProblem { M = 512, N = 512, K = 32 });
        plan.Explain().Should().Contain("8704 bytes of shared memory a group; ").And.NotContain("registers");
    }

    [Theory]
    [InlineData(256, 0, 32, 8, "lanes", 100)]
    [InlineData(128, 49152, 224, 2, "registers", 12.5)]
    [InlineData(256, 0, 65, 3, "registers", 37.5)] // given out as 72: 3 groups take 55296 of 65536
    [InlineData(128, 73728, 128, 3, "shared memory", 18.75)] // 4 x 72 KB are 288 KB
    [InlineData(32, 0, 16, 32, "their number", 50)]
    public void TheBoundIsTheOneThatStopsTheNextGroup(int lanes, int shared, int registers, int groups, string bound, double percent)
    {
        KernelEntry entry = new KernelEntry<int>("kernel", _ => { }, lanes, shared);
        KernelResources resources = KernelResources.Of(entry, registers, 0, groups, Hopper);
        resources.Bound.Should().Be(bound);
        resources.Occupancy.Should().Be(percent / 100);
    }

    [Fact]
    public void LocalMemoryIsSaidWhereThereIsSome() =>
        new KernelResources(255, 48, 1, 0.0625, "registers").ToString().Should().Be(
            ", 255 registers and 48 bytes of local memory a lane, 1 at once on a multiprocessor (6 % of its lanes, bound by registers)");

    [Fact]
    public void OtherDevicesStateGroupsAndSharedMemory()
    {
        using AttentionDevice device = AttentionDevice.Open("ilgpu-cpu");
        using SoftmaxPlan plan = device.Plan(new SoftmaxProblem { Rows = 2, Columns = 4 });
        plan.Explain().Should().MatchRegex(@": FusedSoftmax [^;]*: \d+ groups of \d+ lanes[^;]*; for rows of 4")
            .And.NotContain("registers");
    }
}
