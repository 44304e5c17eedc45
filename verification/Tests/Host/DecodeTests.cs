using AttnKernels.Kernels;

namespace AttnKernels.Tests.Host;

/// <summary>Attention of few queries over many keys on kernel devices: what the splits and their workspace must not change.</summary>
public class DecodeTests
{
    private const int HeadsQ = 6;
    private const int HeadsKv = 2;
    private const int Keys = 600;
    private const int Dim = 16;

    private static AttentionProblem Problem(int batch) => new()
    {
        Batch = batch, HeadsQ = HeadsQ, HeadsKv = HeadsKv, SeqQ = 1, SeqKv = Keys, HeadDim = Dim, KeyLengths = true,
    };

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_batch_entry_has_the_bits_that_it_has_alone(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using Inputs inputs = new(device, 3, 1);
        using AttentionPlan together = device.Plan(Problem(3)), alone = device.Plan(Problem(1));
        together.Explain().Should().Contain("FlashDecode").And.Contain("3 splits");
        float[] all = inputs.Run(together, device.DefaultStream);
        for (int b = 0; b < 3; b++)
        {
            float[] one = inputs.Run(alone, device.DefaultStream, b);
            all.AsSpan(b * one.Length, one.Length).ToArray().Should().Equal(one);
        }
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void The_room_in_a_cache_changes_no_bit(string name)
    {
        const int visible = 1500, most = 9000;
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceTensor q = device.Upload(HostDevices.Random(HeadsQ * Dim, 1), 1, HeadsQ, 1, Dim);
        using DeviceTensor k = device.Upload(HostDevices.Random(most * Dim, 2), 1, 1, most, Dim);
        using DeviceTensor o = device.Allocate(DType.Float32, 1, HeadsQ, 1, Dim), lengths = device.Upload<int>([visible], 1);
        float[]? first = null;
        foreach (int room in (int[])[visible, 3000, most])
        {
            using AttentionPlan plan = device.Plan(Problem(1) with { HeadsKv = 1, SeqKv = room, KeyLengths = room > visible });
            TensorView keys = k.View.Slice(2, 0, room);
            TensorView keyLengths = room > visible ? lengths : default(TensorView);
            plan.Run(new AttentionTensors { Q = q, K = keys, V = keys, O = o, KeyLengths = keyLengths });
            float[] result = o.ToArray<float>();
            result.Should().Equal(first ??= result);
        }
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Threads_with_streams_of_their_own_share_a_plan(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using AttentionPlan plan = device.Plan(Problem(1));
        int rounds = device.Info.Kind == DeviceKind.Cuda ? 50 : 2;
        Parallel.For(0, 3, new ParallelOptions { MaxDegreeOfParallelism = 3 }, thread =>
        {
            using Inputs inputs = new(device, 1, 10 * thread);
            using DeviceStream stream = device.CreateStream();
            using AttentionPlan own = device.Plan(Problem(1));
            float[] expected = inputs.Run(own, stream);
            for (int round = 0; round < rounds; round++) inputs.Run(plan, stream).Should().Equal(expected);
        });
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_run_allocates_nothing(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        Assert.SkipUnless(device.Info.Kind is DeviceKind.Cuda or DeviceKind.OpenCl, $"{name} is for debugging: its launches allocate");
        using Inputs inputs = new(device, 1, 1);
        using AttentionPlan plan = device.Plan(Problem(1));
        AttentionTensors tensors = inputs.Tensors(0, 1);
        for (int i = 0; i < 3; i++) plan.Run(tensors);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++) plan.Run(tensors);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
        device.Synchronize();
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Streams_have_a_workspace_each_and_inherit_those_of_disposed_ones(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using StreamWorkspace workspace = new(device.Backend, 64);
        using DeviceStream stays = device.CreateStream();
        DeviceStream goes = device.CreateStream();
        DeviceBuffer kept = workspace.For(stays), left = workspace.For(goes);
        left.Should().NotBeSameAs(kept);
        goes.Dispose();
        using DeviceStream comes = device.CreateStream();
        workspace.For(comes).Should().BeSameAs(left);
        workspace.For(stays).Should().BeSameAs(kept);
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void A_block_that_the_cache_does_not_have_gives_NaN_for_its_entry_alone(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceTensor table = device.Upload<int>([0, 2, 1, 3], 2, 2);
        Assert.SkipWhen(table.View.Buffer!.Address != 0, $"the host sees the memory of {name}, and refuses");
        foreach (int seqQ in (int[])[1, 20])
        {
            using AttentionPlan plan = device.Plan(Problem(2) with { SeqQ = seqQ, Kv = KvLayout.Paged(512, 3), KeyLengths = false });
            plan.Explain().Should().Contain(seqQ == 1 ? "FlashDecode" : "FlashForward");
            using DeviceTensor q = device.Upload(HostDevices.Random(2 * HeadsQ * seqQ * Dim, 1), 2, HeadsQ, seqQ, Dim);
            using DeviceTensor k = device.Upload(HostDevices.Random(3 * HeadsKv * 512 * Dim, 2), 3, HeadsKv, 512, Dim);
            using DeviceTensor o = device.Allocate(DType.Float32, 2, HeadsQ, seqQ, Dim);
            plan.Run(new AttentionTensors { Q = q, K = k, V = k, BlockTable = table, O = o });
            float[] result = o.ToArray<float>();
            result.Take(result.Length / 2).Should().NotContain(float.NaN);
            result.Skip(result.Length / 2).Should().OnlyContain(x => float.IsNaN(x));
        }
    }

    /// <summary>Random Q, K and V, and key lengths that fill, cut and miss splits.</summary>
    private sealed class Inputs(AttentionDevice device, int batch, int seed) : IDisposable
    {
        private readonly DeviceTensor q = device.Upload(HostDevices.Random(batch * HeadsQ * Dim, seed), batch, HeadsQ, 1, Dim);
        private readonly DeviceTensor k = RandomKeys(device, batch, seed + 1);
        private readonly DeviceTensor v = RandomKeys(device, batch, seed + 2);
        private readonly DeviceTensor lengths = device.Upload<int>([.. new[] { 600, 130, 512 }.Take(batch)], batch);
        private readonly DeviceTensor o = device.Allocate(DType.Float32, batch, HeadsQ, 1, Dim);

        public AttentionTensors Tensors(int from, int count) => new()
        {
            Q = q.View.Slice(0, from, count), K = k.View.Slice(0, from, count), V = v.View.Slice(0, from, count),
            KeyLengths = lengths.View.Slice(0, from, count), O = o.View.Slice(0, from, count),
        };

        public float[] Run(AttentionPlan plan, DeviceStream stream, int from = 0)
        {
            int count = plan.Problem.Batch;
            plan.Run(Tensors(from, count), stream);
            float[] all = new float[batch * HeadsQ * Dim];
            o.Download(all.AsSpan(), stream);
            return all.AsSpan(from * HeadsQ * Dim, count * HeadsQ * Dim).ToArray();
        }

        private static DeviceTensor RandomKeys(AttentionDevice device, int batch, int seed) =>
            device.Upload(HostDevices.Random(batch * HeadsKv * Keys * Dim, seed), batch, HeadsKv, Keys, Dim);

        public void Dispose()
        {
            foreach (DeviceTensor tensor in (DeviceTensor[])[q, k, v, lengths, o]) tensor.Dispose();
        }
    }
}
