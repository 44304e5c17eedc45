using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Matmul on the CPU device.</summary>
internal sealed unsafe class CpuMatmul(MatmulProblem p, SimdWorkers workers) : Executable<MatmulTensors>
{
    public override string Explain() => $"SimdMatmul: blocks of C in {workers.Describe()}{p.InsteadOfPrecision}";

    public override void Run(in MatmulTensors t, DeviceStream stream, CancellationToken cancel)
    {
        MatmulArgs args = new()
        {
            Batch0 = p.Batch0,
            Batch1 = p.Batch1,
            GroupB = p.GroupB,
            M = p.M,
            N = p.N,
            K = p.K,
            A = SimdArgs.Matrix(t.A),
            B = SimdArgs.Matrix(t.B),
            C = SimdArgs.Matrix(t.C),
            Bias = SimdArgs.Data(t.Bias),
            BiasType = p.BiasType,
            Alpha = p.Alpha,
            Beta = p.Beta,
            SkipZeroA = p.SkipZeroA,
            Activation = p.Activation,
        };
        SimdMatmul.Run(args, workers, cancel);
    }
}
