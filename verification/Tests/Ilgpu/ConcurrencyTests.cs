using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>What one thread does on a device does not stop the launches of others; when memory is allocated; how large a grid is.</summary>
public sealed class ConcurrencyTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private static readonly AttentionProblem Decode = new() { Batch = 1, HeadsQ = 2, SeqQ = 1, SeqKv = 600, HeadDim = 16 };

    private static readonly MatmulProblem Product = new() { M = 32, N = 32, K = 32 };

    /// <summary>Public, because ILGPU's CPU accelerator generates code that names it.</summary>
    public struct NoArgs
    {
        public ArrayView<float> X;
    }

    public static TheoryData<string> Devices => FaultTests.Devices;

    /// <summary>A thread of its own: one of the pool's might be waited for by the thread that holds a lock.</summary>
    private static Thread Start(Action action)
    {
        Thread thread = new(() => action()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void CompilingAndFreeingDoNotTakeTheGate(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        KernelDevice kernels = (KernelDevice)device.Backend;
        DeviceTensor x = device.Allocate(DType.Float32, 64);
        using (kernels.Gate.EnterScope())
        {
            KernelEntry<NoArgs> entry = new("Nothing", Nothing, GroupSize: 4, SharedBytes: 0);
            Start(() => kernels.Load(entry)).Join(Long).Should().BeTrue();
            Start(x.Dispose).Join(Long).Should().BeTrue();
        }
    }

    [Fact]
    public void LaunchesOnTwoCudaStreamsDoNotWaitForEachOther()
    {
        FakeDriver driver = new() { IsQuiet = true };
        using AttentionDevice device = new(new FakeCudaDevice(driver));
        using MatmulPlan plan = device.Plan(Product);
        using DeviceStream other = device.CreateStream();
        using DeviceTensor x = device.Allocate(DType.Float32, 1, 32, 32), y = device.Allocate(DType.Float32, 1, 32, 32);
        using DeviceTensor z = device.Allocate(DType.Float32, 1, 32, 32);
        using ManualResetEventSlim entered = new(), release = new();
        nint slow = ((LaunchStream)other.Backend).Handle;
        driver.Launching = stream =>
        {
            if (stream != slow) return;
            entered.Set();
            release.Wait(Long);
        };

        Thread held = Start(() => plan.Run(new MatmulTensors { A = x, B = x, C = y }, other));
        entered.Wait(Long).Should().BeTrue();
        Start(() => plan.Run(new MatmulTensors { A = x, B = x, C = z })).Join(Long).Should().BeTrue();
        held.IsAlive.Should().BeTrue();
        release.Set();
        held.Join(Long).Should().BeTrue();
    }

    [Fact]
    public void APreparedStreamAllocatesNoMore()
    {
        FakeCudaDevice fake = new(new FakeDriver { IsQuiet = true });
        using AttentionDevice device = new(fake);
        using AttentionPlan plan = device.Plan(Decode);
        plan.WorkspaceBytes.Should().BePositive();
        using DeviceTensor q = device.Allocate(DType.Float32, 1, 2, 1, 16), o = device.Allocate(DType.Float32, 1, 2, 1, 16);
        using DeviceTensor k = device.Allocate(DType.Float32, 1, 2, 600, 16);
        AttentionTensors tensors = new() { Q = q, K = k, V = k, O = o };
        using DeviceStream second = device.CreateStream(), third = device.CreateStream();
        plan.Run(tensors);
        int before = fake.Allocations;

        plan.Prepare(second);
        fake.Allocations.Should().Be(before + 1);
        plan.Run(tensors, second);
        plan.Prepare(second);
        plan.Prepare();
        fake.Allocations.Should().Be(before + 1);
        plan.Run(tensors, third);
        fake.Allocations.Should().Be(before + 2);

        plan.Dispose();
        plan.Invoking(p => p.Prepare()).Should().Throw<ObjectDisposedException>();
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task ThreadsPlanRunAndDisposeAtOnce(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        await Task.WhenAll(Enumerable.Range(1, 4).Select(n => Task.Run(() =>
        {
            using DeviceStream stream = device.CreateStream();
            for (int turn = 0; turn < 5; turn++)
            {
                using MatmulPlan plan = device.Plan(new MatmulProblem { M = n, N = turn + 1, K = 2 });
                using DeviceTensor a = device.Upload([.. Enumerable.Repeat(2f, 2 * n)], 1, n, 2);
                using DeviceTensor b = device.Upload([.. Enumerable.Repeat(3f, 2 * (turn + 1))], 1, 2, turn + 1);
                using DeviceTensor c = device.Allocate(DType.Float32, 1, n, turn + 1);
                plan.Run(new MatmulTensors { A = a, B = b, C = c }, stream);
                stream.Synchronize();
                c.ToArray<float>().Should().AllBeEquivalentTo(12f);
            }
        })));
    }

    [Fact]
    public void ACudaGridIsBoundByItsGroups()
    {
        SoftmaxProblem problem = new() { Batch = 32, Heads = 64, Rows = 4096, Columns = 4096 };
        using AttentionDevice cuda = new(new FakeCudaDevice(new FakeDriver { IsQuiet = true }));
        using (SoftmaxPlan plan = cuda.Plan(problem)) plan.Explain().Should().Contain("8388608 groups of 256 lanes");
        using AttentionDevice cpu = AttentionDevice.Open("ilgpu-cpu");
        cpu.Invoking(d => d.Plan(problem)).Should().Throw<NotSupportedException>()
            .WithMessage("*8388608 groups*ilgpu-cpu holds 2^31 - 1 lanes*");
        cuda.Invoking(d => d.Plan(problem with { Batch = 1 << 14 })).Should().Throw<NotSupportedException>()
            .WithMessage("*cuda:7 holds 2^31 - 1 groups*");
    }

    private static void Nothing(NoArgs args)
    {
        if (Grid.IdxX < 0) args.X[0] = 0;
    }
}
