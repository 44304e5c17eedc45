namespace AttnKernels.Tests.Host;

/// <summary>Memory that plans of fused attention hold beside the tensors: none, or linear in the keys.</summary>
public class WorkspaceTests
{
    private static readonly AttentionProblem Plain = new() { Batch = 2, HeadsQ = 8, HeadsKv = 2, SeqQ = 1, SeqKv = 1024, HeadDim = 64 };

    private static readonly Func<int, AttentionProblem>[] Forms =
    [
        keys => Plain with { SeqKv = keys },
        keys => Plain with { SeqKv = keys, SeqQ = 300, Causal = CausalMask.BottomRight, Mask = true, Bias = true },
        keys => Plain with { SeqKv = keys, KvType = DType.Int8, Kv = KvLayout.Paged(16, keys / 8), KeyLengths = true },
        keys => Plain with { SeqKv = keys, Documents = true, Sinks = true, Blocks = new BlockSparsity(64, 64) },
        keys => Plain with { SeqKv = keys, Kv = KvLayout.Ring, KeyLengths = true, Causal = CausalMask.BottomRight, WindowLeft = 500 },
        keys => Plain with { SeqKv = keys, Packed = new PackedSequences(4, 2 * keys), Lse = true },
    ];

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Grows_at_most_linearly_with_the_keys(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        foreach (Func<int, AttentionProblem> form in Forms)
        {
            double first = Bytes(device, form(1024));
            for (int keys = 2048; keys <= 65536; keys *= 2)
                Bytes(device, form(keys)).Should().BeLessThanOrEqualTo((long)(first * keys / 1024), form(keys).ToString());
        }
        if (device.Info.Kind != DeviceKind.Cpu)
            Bytes(device, Forms[0](4096)).Should().Be(16 * 2 * 8 * (64 + 2) * sizeof(float), "16 splits leave O, m and l of 16 rows");
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Lives_to_the_end_of_a_run_whose_plan_is_disposed(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        AttentionProblem problem = Plain with { Batch = 1, HeadsQ = 2, HeadsKv = 1, SeqKv = 300, HeadDim = 16 };
        using DeviceTensor q = device.Allocate(DType.Float32, 1, 2, 1, 16), o = device.Allocate(DType.Float32, 1, 2, 1, 16);
        using DeviceTensor keys = device.Allocate(DType.Float32, 1, 1, 300, 16);
        AttentionTensors tensors = new() { Q = q, K = keys, V = keys, O = o };
        for (int delay = 0; delay < 8; delay++)
        {
            AttentionPlan plan = device.Plan(problem);
            plan.WorkspaceBytes.Should().BePositive();
            Exception? failure = null;
            Thread runner = new(() =>
            {
                try
                {
                    while (true) plan.Run(tensors);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            });
            runner.Start();
            Thread.Sleep(20 + (7 * delay));
            plan.Dispose();
            runner.Join();

            failure.Should().BeOfType<ObjectDisposedException>();
        }
    }

    private static long Bytes(AttentionDevice device, AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.WorkspaceBytes;
    }
}
