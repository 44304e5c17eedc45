using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace AttnKernels.Tests.Host;

public class TensorTests
{
    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Every_type_survives_the_round_trip(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        RoundTrip<float>(device, DType.Float32, [1.5f, float.NaN, -0f, float.NegativeInfinity, float.Epsilon, 3]);
        RoundTrip<Half>(device, DType.Float16, [(Half)1.5f, Half.NaN, Half.NegativeZero, Half.MaxValue, Half.Epsilon, (Half)3]);
        RoundTrip<BFloat16>(device, DType.BFloat16, [(BFloat16)1.5f, (BFloat16)float.NaN, new(0x8000), new(1), (BFloat16)3, (BFloat16)4]);
        RoundTrip(device, DType.Int32, [1, -1, int.MaxValue, int.MinValue, 0, 7]);
        RoundTrip(device, DType.Bool, [true, false, true, true, false, false]);
        RoundTrip<byte>(device, DType.Bool, [0, 1, 2, 255, 0, 1]);
        RoundTrip<sbyte>(device, DType.Int8, [0, 1, -1, 127, -128, 5]);
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Floats_are_rounded_to_the_storage_type(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        float[] data = [1 + (1 / 2048f), 1 + (3 / 2048f), 1 + (1 / 256f), 1 + (3 / 256f)];
        using DeviceTensor half = device.UploadAs(DType.Float16, data, 4);
        half.ToFloats().Should().Equal(1, 1 + (1 / 512f), 1 + (1 / 256f), 1 + (3 / 256f));
        using DeviceTensor brain = device.UploadAs(DType.BFloat16, data, 4);
        brain.ToFloats().Should().Equal(1, 1, 1, 1 + (1 / 64f));
    }

    [Fact]
    public void Tensor_spans_keep_their_shape_and_lose_their_strides()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        TensorSpan<float> whole = new([1f, 2, 3, 4, 5, 6], [2, 3]);
        ReadOnlyTensorSpan<float> columns = whole.Slice(Range.All, 1..);
        using DeviceTensor tensor = device.Upload(columns);
        tensor.Shape.ToArray().Should().Equal(2, 2);
        tensor.ToArray<float>().Should().Equal(2, 3, 5, 6);
    }

    [Fact]
    public void Wrong_sizes_and_types_are_refused_with_both()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using DeviceTensor tensor = device.Allocate(DType.Float32, 2, 3);
        FluentActions.Invoking(() => device.Upload(new float[5], 2, 3))
            .Should().Throw<ArgumentException>().WithMessage("*5 elements*(2, 3) has 6*");
        FluentActions.Invoking(() => device.Upload(new double[6], 2, 3))
            .Should().Throw<ArgumentException>().WithMessage("*System.Double*float, Half*");
        FluentActions.Invoking(() => device.Upload(new float[6], 2, -3)).Should().Throw<ArgumentException>().WithMessage("*(2, -3)*");
        FluentActions.Invoking(() => device.Upload(new float[1])).Should().Throw<ArgumentException>().WithMessage("*1 to 5 axes, not 0*");
        FluentActions.Invoking(() => device.Allocate(DType.Bool, 1, 1, 1, 1, 1, 1))
            .Should().Throw<ArgumentException>().WithMessage("*not 6*");
        FluentActions.Invoking(() => tensor.ToArray<int>()).Should().Throw<ArgumentException>().WithMessage("*holds Float32*Int32*");
        FluentActions.Invoking(() => tensor.Upload<float>(new float[7]))
            .Should().Throw<ArgumentException>().WithMessage("*(2, 3) has 6*7*");
        using DeviceTensor ints = device.Allocate(DType.Int32, 1);
        FluentActions.Invoking(ints.ToFloats).Should().Throw<ArgumentException>().WithMessage("*Int32*");
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Too_much_memory_says_how_much(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        FluentActions.Invoking(() => device.Allocate(DType.Float32, 1 << 20, 1 << 20))
            .Should().Throw<DeviceMemoryException>().WithMessage($"*{name}*4096.00 GiB (4398046511104 bytes) needed*free*")
            .Which.FreeBytes.Should().BeGreaterThan(0);
        FluentActions.Invoking(() => device.Allocate(DType.Float32, int.MaxValue, int.MaxValue, 8))
            .Should().Throw<ArgumentException>().WithMessage("*2^63*");
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void A_disposed_tensor_is_refused(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        DeviceTensor tensor = device.Allocate(DType.Float32, 2);
        tensor.Dispose();
        tensor.Dispose();
        FluentActions.Invoking(() => tensor.ToArray<float>()).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(() => tensor.Upload<float>([1, 2])).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(() => tensor.Fill(1)).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Memory_that_a_run_holds_is_freed_when_the_run_ends()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        bool freed = false;
        DeviceBuffer buffer = device.Backend.Wrap(1, 4, new OnDispose(() => freed = true));
        buffer.Hold();
        buffer.Hold();
        buffer.Dispose();
        buffer.IsDisposed.Should().BeTrue();
        FluentActions.Invoking(buffer.Hold).Should().Throw<ObjectDisposedException>();
        freed.Should().BeFalse();
        buffer.Release();
        freed.Should().BeFalse();
        buffer.Release();
        freed.Should().BeTrue();
    }

    [Theory]
    [InlineData("download")]
    [InlineData("upload")]
    [InlineData("fill")]
    public void Memory_that_a_copy_uses_is_freed_when_the_copy_ends(string copy)
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        bool freed = false;
        float[] memory = new float[4];
        GCHandle pin = GCHandle.Alloc(memory, GCHandleType.Pinned);
        DeviceBuffer buffer = device.Backend.Wrap(pin.AddrOfPinnedObject(), 16, new OnDispose(() => freed = true));
        DeviceTensor tensor = new(device, TensorView.Dense(buffer, DType.Float32, 0, [4]));
        Thread other = new(() =>
        {
            if (copy == "download") tensor.Download(new float[4].AsSpan(), device.DefaultStream);
            if (copy == "upload") tensor.Upload<float>([1, 2, 3, 4], device.DefaultStream);
            if (copy == "fill") tensor.Fill(1, device.DefaultStream);
        });
        lock (device.DefaultStream.Gate)
        {
            other.Start();
            SpinWait.SpinUntil(() => other.ThreadState == ThreadState.WaitSleepJoin, TimeSpan.FromSeconds(30)).Should().BeTrue();
            tensor.Dispose();
            freed.Should().BeFalse("the copy waits for the stream");
        }
        other.Join();
        pin.Free();
        freed.Should().BeTrue();
    }

    [Fact]
    public void More_elements_than_an_array_holds_are_refused_with_the_shape()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using DeviceTensor tensor = device.Wrap(64, DType.Bool, [1 << 16, 1 << 15]);
        FluentActions.Invoking(() => tensor.ToArray<byte>())
            .Should().Throw<NotSupportedException>().WithMessage("*(65536, 32768)*2147483648 elements*split*");
        FluentActions.Invoking(() => _ = tensor.AsSpan<byte>())
            .Should().Throw<NotSupportedException>().WithMessage("*(65536, 32768)*Wrap*");
    }

    [Fact]
    public void A_type_without_floats_is_refused_before_memory_is_taken()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        FluentActions.Invoking(() => device.UploadAs(DType.Int32, new float[2], 3)).Should().Throw<ArgumentException>()
            .WithMessage("*Int32*").Which.ParamName.Should().Be("type");
        FluentActions.Invoking(() => device.Allocate(DType.Float32))
            .Should().Throw<ArgumentException>().Which.ParamName.Should().Be("shape");
    }

    private static void RoundTrip<T>(AttentionDevice device, DType type, T[] data) where T : unmanaged
    {
        using DeviceTensor tensor = device.Upload(data, 2, 3);
        tensor.Type.Should().Be(type);
        tensor.Bytes.Should().Be(6 * type.Size());
        tensor.ToArray<T>().Should().Equal(data);
        tensor.Upload<T>(data.Reverse().ToArray());
        tensor.ToArray<T>().Should().Equal(data.Reverse());
    }

    private sealed class OnDispose(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
