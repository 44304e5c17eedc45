using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated matmul problem with its kernels, ready to run any number of times. Threads as in
/// <see cref="AttentionPlan"/>.</summary>
public sealed class MatmulPlan : IDisposable
{
    private static readonly string[] Names = ["C", "A", "B", "Bias"];

    private readonly MatmulExecutable executable;
    private bool disposed;

    internal MatmulPlan(AttentionDevice device, MatmulProblem problem, MatmulExecutable executable) =>
        (Device, Problem, this.executable) = (device, problem, executable);

    /// <summary>The device it runs on.</summary>
    public AttentionDevice Device { get; }

    /// <summary>What it computes.</summary>
    public MatmulProblem Problem { get; }

    /// <summary>Device memory that the plan holds besides the tensors, in bytes for each stream it runs on.</summary>
    public long WorkspaceBytes => executable.WorkspaceBytes;

    /// <inheritdoc cref="AttentionPlan.Explain"/>
    public string Explain() => $"{Problem} on {Device.Name}: {executable.Explain()}";

    /// <inheritdoc cref="AttentionPlan.Run"/>
    public void Run(in MatmulTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        DeviceStream queue = Device.Use(stream);
        cancel.ThrowIfCancellationRequested();
        MatmulTensors t = Check(tensors);
        ReadOnlySpan<TensorView> views = [t.C, t.A, t.B, t.Bias];
        Overlap.Refuse(views, Names, outputs: 1);
        using TensorHold hold = new(views, Names);
        using (queue.Enter(Problem)) executable.Run(t, queue, cancel);
    }

    /// <inheritdoc cref="AttentionPlan.Dispose"/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        executable.Dispose();
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
