using AttnKernels.Kernels;

namespace AttnKernels.Verification;

/// <summary>A product of random matrices.</summary>
/// <param name="Problem">What is computed.</param>
/// <param name="Options">The placement, which is that of A and C, and of B unless <see cref="PlacementB"/> is set; a NaN in A.</param>
/// <param name="Name">Says the sizes and features.</param>
/// <param name="Size">Where it runs.</param>
public sealed record MatmulCase(MatmulProblem Problem, CaseOptions Options, string Name, CaseSize Size)
    : VerificationCase(Problem.Naive ? "matmul-naive" : "matmul", Name, Problem.TypeA, Size)
{
    /// <summary>How B lies in memory.</summary>
    public Placement PlacementB { get; init; } = Options.Placement;

    private protected override CaseResult Execute(AttentionDevice device)
    {
        MatmulProblem p = Problem;
        Seeded random = Random();
        using MatmulPlan plan = device.Plan(p);
        int batch = p.Batch0 * p.Batch1, batchB = batch / p.GroupB;
        (int rowsA, int columnsA) = p.TransposeA ? (p.K, p.M) : (p.M, p.K);
        (int rowsB, int columnsB) = p.TransposeB ? (p.N, p.K) : (p.K, p.N);
        MatmulReference reference = new()
        {
            A = random.Normals(0, p.TypeA, 1, batch, rowsA, columnsA),
            B = random.Normals(1, p.TypeB, 1, batchB, rowsB, columnsB),
            C0 = p.Beta == 0 ? null : random.Normals(2, p.TypeC, 1, batch, p.M, p.N),
            Bias = p.Bias ? random.Normals(3, p.BiasType, 1, p.N) : null,
            TypeC = p.TypeC,
            TransposeA = p.TransposeA,
            TransposeB = p.TransposeB,
            GroupB = p.GroupB,
            Alpha = p.Alpha,
            Beta = p.Beta,
            ZeroHides = p.SkipZeroA,
            Activation = p.Activation,
            InputPrecision = p.InputPrecision,
        };
        if (p.SkipZeroA) HideSome(reference);
        if (Options.VisibleNaN) reference.A.Values[0] = BitConverter.UInt32BitsToSingle(0x7FFFFFFF); // the NaN that GPUs make

        using PlacedTensor a = PlacedTensor.Input(device, Batched(reference.A, p.Batch0, p.Batch1), Options.Placement);
        using PlacedTensor b = PlacedTensor.Input(device, Batched(reference.B, p.Batch0, p.Batch1 / p.GroupB), PlacementB);
        using PlacedTensor c = reference.C0 is { } c0
            ? PlacedTensor.Input(device, Batched(c0, p.Batch0, p.Batch1), Options.Placement)
            : PlacedTensor.Output(device, p.TypeC, Options.Placement, p.Batch0, p.Batch1, p.M, p.N);
        using PlacedTensor? bias = reference.Bias is null ? null : PlacedTensor.Input(device, reference.Bias, Placement.Dense);
        plan.Run(new MatmulTensors { A = a.View, B = b.View, C = c.View, Bias = bias?.ViewOfRank(1) ?? default });
        device.Synchronize();

        int[]? rows = Sample(batch * p.M);
        Expected expected = References.Matmul(reference, rows);
        float[] result = c.Read();
        bool onTensorCores = device.Backend is KernelDevice { HasTensorCores: true };
        double againstPlain = PlainRule.Ratio(expected, result, Plain.Matmul(reference, rows, onTensorCores));
        return Judge(plan.Explain(), [Comparison.Of(expected, result)], againstPlain,
            [c.Damage(true), a.Damage(false), b.Damage(false), bias?.Damage(false)]);
    }

    private static HostTensor Batched(HostTensor tensor, int outer, int inner) =>
        new(tensor.Type, tensor.Values, outer, inner, tensor.Shape[1], tensor.Shape[2]);

    /// <summary>Every third k: zeros in A, NaN in B.</summary>
    private static void HideSome(MatmulReference m)
    {
        for (int n = 0; n < m.A.Values.Length; n++)
            if ((m.TransposeA ? n / m.M : n) % m.K % 3 == 1) m.A.Values[n] = 0;
        for (int n = 0; n < m.B.Values.Length; n++)
            if ((m.TransposeB ? n : n / m.N) % m.K % 3 == 1) m.B.Values[n] = float.NaN;
    }
}
