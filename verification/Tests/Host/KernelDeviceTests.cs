using AttnKernels.Kernels;
using ILGPU;

namespace AttnKernels.Tests.Host;

/// <summary>The launch abstraction that the kernel plans stand on, with a kernel of a few lines.</summary>
public class KernelDeviceTests
{
    /// <summary>Public, because ILGPU's CPU accelerator generates code that names it.</summary>
    public struct ScaleArgs
    {
        public ArrayView<float> X;
        public ArrayView<float> Absent;
        public long Offset;
        public int Length;
        public int HasAbsent;
        public float Factor;
    }

    private static readonly KernelEntry<ScaleArgs> Scale = new("Scale", ScaleKernel, GroupSize: 4, SharedBytes: 0);

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_kernel_runs_over_a_view_with_an_offset(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceTensor x = device.Upload([1f, 2, 3, 4, 5, 6, 7], 7);
        Launch(device, x.View.Slice(0, 2, 4), 4);
        x.ToArray<float>().Should().Equal(1, 2, 30, 40, 50, 60, 7);
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_kernel_is_loaded_once(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        KernelDevice kernels = (KernelDevice)device.Backend;
        kernels.Load(Scale).Should().BeSameAs(kernels.Load(Scale with { }));
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Launches_on_a_stream_run_in_order(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceStream stream = device.CreateStream();
        using DeviceTensor x = device.Upload([1f, 1, 1], 3);
        for (int i = 0; i < 3; i++) Launch(device, x, 3, stream);
        stream.Synchronize();
        x.ToArray<float>().Should().Equal(1000, 1000, 1000);
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_group_that_does_not_fit_is_refused_when_loading(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        Action load = () => ((KernelDevice)device.Backend).Load(Scale with { GroupSize = 1 << 20 });
        load.Should().Throw<NotSupportedException>().WithMessage($"*Scale*1048576*{name}*{device.Info.MaxThreadsPerGroup}*");
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Memory_is_zeroed_filled_and_copied(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceTensor x = device.Allocate(DType.Int32, 3);
        x.ToArray<int>().Should().Equal(0, 0, 0);
        x.Fill(0xFF);
        x.ToArray<int>().Should().Equal(-1, -1, -1);
        x.Upload<int>([1, 2, 3]);
        x.ToArray<int>().Should().Equal(1, 2, 3);
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Memory_of_others_is_refused(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        Action wrap = () => device.Wrap<float>(new float[3], 3);
        wrap.Should().Throw<NotSupportedException>().WithMessage($"*{name}*cpu*");
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Disposing_the_device_first_is_harmless(string name)
    {
        AttentionDevice device = AttentionDevice.Open(name);
        DeviceTensor x = device.Allocate(DType.Float32, 8);
        DeviceStream stream = device.CreateStream();
        device.Dispose();
        Action read = () => x.ToArray<float>();
        read.Should().Throw<ObjectDisposedException>();
        x.Dispose();
        stream.Dispose();
    }

    private static void Launch(AttentionDevice device, TensorView x, int length, DeviceStream? stream = null)
    {
        KernelDevice kernels = (KernelDevice)device.Backend;
        ScaleArgs args = new()
        {
            X = kernels.View<float>(x.Buffer), Absent = kernels.View<float>(null), Offset = x.Offset,
            Length = length, HasAbsent = 0, Factor = 10,
        };
        kernels.Load(Scale).Launch(stream ?? device.DefaultStream, groups: 2, args);
    }

    private static void ScaleKernel(ScaleArgs args)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        if (i < args.Length) args.X[args.Offset + i] *= args.HasAbsent == 1 ? args.Absent[i] : args.Factor;
    }
}
