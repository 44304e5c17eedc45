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

    private static long Bytes(AttentionDevice device, AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.WorkspaceBytes;
    }
}
