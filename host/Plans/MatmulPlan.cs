using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated matmul problem with its kernels.</summary>
public sealed class MatmulPlan : Plan<MatmulProblem, MatmulTensors>
{
    private static readonly string[] Names = ["C", "A", "B", "Bias"];

    internal MatmulPlan(AttentionDevice device, MatmulProblem problem, Executable<MatmulTensors> executable)
        : base(device, problem, executable)
    {
    }

    private protected override void CheckAndLaunch(in MatmulTensors tensors, DeviceStream? queue, CancellationToken cancel)
    {
        MatmulTensors t = Check(tensors);
        Launch(t, [t.C, t.A, t.B, t.Bias], Names, outputs: 1, queue, cancel);
    }

    private MatmulTensors Check(in MatmulTensors t)
    {
        MatmulProblem p = Problem;
        TensorCheck check = new(Device);
        int batchB = p.Batch1 / p.GroupB;
        MatmulTensors checkedTensors = new()
        {
            A = p.TransposeA
                ? check.Strided(nameof(t.A), t.A, p.TypeA, p.Batch0, p.Batch1, p.K, p.M).Transpose(2, 3)
                : check.Strided(nameof(t.A), t.A, p.TypeA, p.Batch0, p.Batch1, p.M, p.K),
            B = p.TransposeB
                ? check.Strided(nameof(t.B), t.B, p.TypeB, p.Batch0, batchB, p.N, p.K).Transpose(2, 3)
                : check.Strided(nameof(t.B), t.B, p.TypeB, p.Batch0, batchB, p.K, p.N),
            C = check.Strided(nameof(t.C), t.C, p.TypeC, p.Batch0, p.Batch1, p.M, p.N),
            Bias = p.Bias ? check.Dense(nameof(t.Bias), t.Bias, p.BiasType, p.N) : default,
        };
        if (!p.Bias) check.Absent(nameof(t.Bias), t.Bias, nameof(p.Bias));
        TensorCheck.RequireDistinct(nameof(t.C), checkedTensors.C);
        return checkedTensors;
    }
}
