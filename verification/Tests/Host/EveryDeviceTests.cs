using AttnKernels.Verification;

namespace AttnKernels.Tests.Host;

/// <summary>The same calls on every device of this machine give the same numbers.</summary>
public class EveryDeviceTests
{
    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Fused_and_unfused_attention_agree(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        AttentionProblem problem = new()
        {
            Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 5, SeqKv = 9, HeadDim = 8, HeadDimV = 4, Causal = CausalMask.BottomRight, Lse = true,
        };
        using DeviceTensor q = device.Upload(HostDevices.Random(2 * 4 * 5 * 8, 1), 2, 4, 5, 8);
        using DeviceTensor k = device.Upload(HostDevices.Random(2 * 2 * 9 * 8, 2), 2, 2, 9, 8);
        using DeviceTensor v = device.Upload(HostDevices.Random(2 * 2 * 9 * 4, 3), 2, 2, 9, 4);
        using DeviceTensor fused = device.Allocate(DType.Float32, 2, 4, 5, 4);
        using DeviceTensor unfused = device.Allocate(DType.Float32, 2, 4, 5, 4);
        using DeviceTensor lse = device.Allocate(DType.Float32, 2, 4, 5);
        using DeviceTensor lseUnfused = device.Allocate(DType.Float32, 2, 4, 5);
        using DeviceTensor weights = device.Allocate(DType.Float32, 2, 4, 5, 9);

        using (AttentionPlan plan = device.Plan(problem))
            plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = fused, Lse = lse });
        using (AttentionPlan plan = device.Plan(problem with { Weights = true }))
            plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = unfused, Lse = lseUnfused, Weights = weights });

        ShouldBeClose(unfused.ToFloats(), fused.ToFloats());
        ShouldBeClose(lseUnfused.ToFloats(), lse.ToFloats());
        float[] p = weights.ToFloats();
        for (int row = 0; row < p.Length; row += 9) p.AsSpan(row, 9).ToArray().Sum().Should().BeApproximately(1, 1e-5f);
        p[5].Should().Be(0, "query 0 of 5 is aligned with key 4 of 9");
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Activations_of_zeros_infinities_and_huge_numbers_are_what_the_formulas_give(string name)
    {
        float[] x = [0, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e20f, -1e20f, 1e-30f, -100, 100, -1, 2];
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceTensor one = device.Upload([1f], 1, 1), b = device.Upload(x, 1, x.Length),
            c = device.Allocate(DType.Float32, 1, x.Length);
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            using MatmulPlan plan = device.Plan(new MatmulProblem { M = 1, N = x.Length, K = 1, Activation = activation });
            plan.Run(new MatmulTensors { A = one, B = b, C = c });
            float[] got = c.ToFloats();
            for (int i = 0; i < x.Length; i++)
            {
                double value = ActivationReference.Apply(activation, x[i]);
                bool isRight = double.IsFinite(value) ? Math.Abs(got[i] - value) <= 4e-7 * (1 + Math.Abs(value))
                    : got[i].Equals((float)value);
                isRight.Should().BeTrue("{0} of {1} is {2}, got {3}", activation, x[i], value, got[i]);
            }
        }
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void Every_fp16_number_becomes_the_same_fp32_number(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        Half[] all = [.. Enumerable.Range(0, 1 << 16).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))];
        using DeviceTensor x = device.Upload<Half>(all, 1, 1, 256, 256), y = device.Allocate(DType.Float32, 1, 1, 256, 256);
        SoftmaxProblem problem = new() { Type = DType.Float16, OutputType = DType.Float32, Rows = 256, Columns = 256, Scores = true };
        using SoftmaxPlan plan = device.Plan(problem);
        plan.Run(new SoftmaxTensors { X = x, Y = y });
        float[] result = y.ToArray<float>();
        for (int bits = 0; bits < result.Length; bits++)
        {
            if (Half.IsNaN(all[bits])) result[bits].Should().Be(float.NaN);
            else BitConverter.SingleToUInt32Bits(result[bits]).Should().Be(BitConverter.SingleToUInt32Bits((float)all[bits]), "0x{0:X4}",
                bits);
        }
    }

    [Theory, MemberData(nameof(HostDevices.All), MemberType = typeof(HostDevices))]
    public void The_example_of_score_rules_runs(string name) => CustomScore.Program.Main([name]).Should().Be(0);

    private static void ShouldBeClose(float[] actual, float[] expected)
    {
        actual.Should().HaveSameCount(expected);
        for (int i = 0; i < actual.Length; i++) actual[i].Should().BeApproximately(expected[i], 1e-5f);
    }
}
