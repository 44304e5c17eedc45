namespace AttnKernels.Tests.Host;

/// <summary>Products whose K is summed in parts: what the sums are, where they lie meanwhile, and who has a say in it.</summary>
public class MatmulPartsTests
{
    private const int M = 24, N = 21, K = 200, Part = 64;

    private static readonly MatmulProblem Problem = new() { M = M, N = N, K = K, Parts = 4 };

    public static TheoryData<string, DType> Forms =>
        new(AttentionDevice.List().Where(d => d.Kind != DeviceKind.Cpu)
            .SelectMany(d => new[] { DType.Float32, DType.Float16, DType.BFloat16 }.Select(type => (d.Name, type))));

    [Theory, MemberData(nameof(Forms))]
    public void Are_added_up_in_their_order(string name, DType type)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using DeviceTensor a = Filled(device, type, M, K), b = Filled(device, type, K, N);
        float[] whole = Product(device, Problem with { Type = type, TypeC = DType.Float32 }, a, b);
        float[] expected = new float[M * N];
        for (int k = 0; k < K; k += Part)
        {
            int length = Math.Min(Part, K - k);
            float[] part = Product(device, Problem with { Type = type, TypeC = DType.Float32, K = length, Parts = 1 },
                ((TensorView)a).Slice(1, k, length), ((TensorView)b).Slice(0, k, length));
            for (int i = 0; i < part.Length; i++) expected[i] += part[i];
        }
        whole.Should().Equal(expected);
        for (int run = 0; run < 3; run++) Product(device, Problem with { Type = type, TypeC = DType.Float32 }, a, b).Should().Equal(whole);
    }

    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Lie_in_a_workspace_that_the_plan_names(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        using MatmulPlan plan = device.Plan(Problem with { Batch1 = 3 }), whole = device.Plan(Problem with { Parts = 1 });

        plan.WorkspaceBytes.Should().Be(4 * 3 * M * 24 * sizeof(float), "rows of 21 take 24");
        plan.Explain().Should().Contain("4 parts of 64 of K, then SplitSum fp32");
        whole.WorkspaceBytes.Should().Be(0);
        whole.Explain().Should().NotContain("SplitSum");
    }

    /// <summary>Hidden weights and mixed types are one sum, and so is what has no whole step a part.</summary>
    [Theory, MemberData(nameof(HostDevices.Kernel), MemberType = typeof(HostDevices))]
    public void Are_one_where_they_are_not_built(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        MatmulProblem[] whole =
        [
            Problem with { SkipZeroA = true }, Problem with { Naive = true }, Problem with { Type = DType.Float16, TypeA = DType.Float32 },
            Problem with { K = 64 },
        ];
        foreach (MatmulProblem problem in whole)
        {
            using MatmulPlan plan = device.Plan(problem);
            plan.WorkspaceBytes.Should().Be(0, plan.Explain());
        }
    }

    private static DeviceTensor Filled(AttentionDevice device, DType type, int rows, int columns)
    {
        float[] values = HostDevices.Random(rows * columns, rows);
        return type switch
        {
            DType.Float32 => device.Upload(values, rows, columns),
            DType.Float16 => device.Upload(Array.ConvertAll(values, x => (Half)x), rows, columns),
            _ => device.Upload(Array.ConvertAll(values, x => (BFloat16)x), rows, columns),
        };
    }

    private static float[] Product(AttentionDevice device, MatmulProblem problem, TensorView a, TensorView b)
    {
        using DeviceTensor c = device.Allocate(DType.Float32, M, N);
        using MatmulPlan plan = device.Plan(problem);
        plan.Run(new MatmulTensors { A = a, B = b, C = c });
        return c.ToArray<float>();
    }
}
