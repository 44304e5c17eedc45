namespace AttnKernels.Tests.Host;

public class DeviceTests
{
    [Fact]
    public void The_list_has_the_cpu_and_what_the_kernel_api_adds()
    {
        IReadOnlyList<DeviceInfo> devices = AttentionDevice.List();
        devices[0].Name.Should().Be("cpu");
        devices[0].MemoryBytes.Should().BeGreaterThan(1L << 28);
        devices.Select(d => d.Name).Should().OnlyHaveUniqueItems().And.Contain(KernelApi.Name == "Ilgpu" ? "ilgpu-cpu" : "simulator");
        devices.Should().OnlyContain(d => d.Description.Length > 0 && d.ComputeUnits > 0 && d.MaxThreadsPerGroup > 0 && d.MemoryBytes > 0);
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void A_listed_device_opens_under_its_name(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        device.Name.Should().Be(name);
        device.Info.Should().Be(AttentionDevice.List().Single(d => d.Name == name));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(100000)]
    public void A_number_of_threads_out_of_range_is_refused(int threads)
    {
        Action open = () => AttentionDevice.Open("cpu", new DeviceOptions { Threads = threads });
        open.Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage($"Threads must be between 0 (one per logical processor*) and *, is {threads}.*");
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Streams_of_another_or_a_disposed_device_are_refused(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name), twin = AttentionDevice.Open(name);
        using DeviceTensor tensor = device.Allocate(DType.Float32, 1);
        FluentActions.Invoking(() => tensor.Fill(1, twin.DefaultStream))
            .Should().Throw<ArgumentException>()
            .WithMessage($"The stream is of another device ({name}) than this ({name}), opened separately.*");
        DeviceStream stream = twin.CreateStream(), other = twin.DefaultStream;
        twin.Dispose();
        FluentActions.Invoking(stream.Synchronize).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(other.Synchronize).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void The_best_device_is_a_gpu_or_else_the_cpu()
    {
        using AttentionDevice device = AttentionDevice.Open();
        bool hasGpu = AttentionDevice.List().Any(d => d.IsGpu);
        (hasGpu ? device.Info.IsGpu : device.Name == "cpu").Should().BeTrue();
    }

    [Fact]
    public void An_unknown_device_is_refused_with_those_there_are()
    {
        Action open = () => AttentionDevice.Open("cuda:17");
        open.Should().Throw<ArgumentException>().WithMessage("*no device \"cuda:17\"*Present: cpu*KernelApi*");
    }

    [Fact]
    public void Threads_are_an_option_of_the_cpu()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu", new DeviceOptions { Threads = 3 });
        device.Info.ComputeUnits.Should().Be(3);
        Action negative = () => AttentionDevice.Open("cpu", new DeviceOptions { Threads = -1 });
        negative.Should().Throw<ArgumentOutOfRangeException>();
    }
}
