using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>
/// A device that computes: the CPU, a GPU, or the simulator. Thread-safe: tensors, plans and streams of one device may be made and used
/// by several threads. Dispose it last; disposing it makes its tensors and plans unusable.
/// </summary>
/// <example>
/// <code>
/// using AttentionDevice device = AttentionDevice.Open();
/// using DeviceTensor q = device.Upload(queries, 1, 8, 512, 64);
/// </code>
/// </example>
public sealed partial class AttentionDevice : IDisposable
{
    internal AttentionDevice(DeviceBackend backend)
    {
        Backend = backend;
        DefaultStream = new DeviceStream(this, backend.DefaultStream, owned: false);
    }

    internal DeviceBackend Backend { get; }

    /// <summary>The name it was opened by, such as "cpu" or "cuda:0".</summary>
    public string Name => Backend.Info.Name;

    /// <summary>Facts about it.</summary>
    public DeviceInfo Info => Backend.Info;

    /// <summary>The stream of calls that name none.</summary>
    public DeviceStream DefaultStream { get; }

    /// <summary>The devices present on this machine, as far as the kernel API of this build reaches them.</summary>
    public static IReadOnlyList<DeviceInfo> List() => DeviceRegistry.List();

    /// <summary>
    /// Opens the device <paramref name="name"/>, one of <see cref="List"/>. Null takes the best: the first CUDA device, else the first
    /// OpenCL GPU, else the CPU.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such device; the message lists those there are.</exception>
    public static AttentionDevice Open(string? name = null, DeviceOptions? options = null) =>
        new(DeviceRegistry.Open(name, options ?? new DeviceOptions()));

    /// <summary>A new stream.</summary>
    public DeviceStream CreateStream()
    {
        ObjectDisposedException.ThrowIf(Backend.IsDisposed, this);
        return new DeviceStream(this, Backend.CreateStream(), owned: true);
    }

    /// <summary>Waits until all streams are done.</summary>
    /// <exception cref="DeviceFaultException">Something queued failed.</exception>
    public void Synchronize()
    {
        ObjectDisposedException.ThrowIf(Backend.IsDisposed, this);
        Backend.Synchronize();
    }

    /// <summary>Validates the problem and prepares its kernels. Keep the plan: this may compile.</summary>
    /// <exception cref="ArgumentException">The problem contradicts itself.</exception>
    /// <exception cref="NotSupportedException">The device has no kernel for it; the message lists what it has.</exception>
    public AttentionPlan Plan(AttentionProblem problem)
    {
        IPlanFactory plans = PlansOf(problem);
        Executable<AttentionTensors> executable = problem.Weights ? new UnfusedAttention(plans, problem) : plans.Attention(problem);
        AttentionPlan plan = new(this, problem, executable);
        if (Backend.CompilesOnFirstRun) Rehearsal.Of(this, problem);
        return plan;
    }

    /// <summary>
    /// As <see cref="Plan(AttentionProblem)"/>, with a score rule of the caller's compiled into the kernels: <typeparamref name="TRule"/>
    /// sees each score after softcap, bias and ALiBi. The rule's values are given to each run.
    /// </summary>
    /// <typeparam name="TRule">The rule: a public struct of numbers.</typeparam>
    /// <exception cref="ArgumentException">The problem contradicts itself.</exception>
    /// <exception cref="NotSupportedException">The device has no kernel for the problem, or the rule cannot be compiled for it.</exception>
    public AttentionPlan<TRule> Plan<TRule>(AttentionProblem problem)
        where TRule : unmanaged, IScoreModifier
    {
        ModifierCheck.Require(typeof(TRule));
        IPlanFactory plans = PlansOf(problem);
        Executable<Ruled<AttentionTensors, TRule>> executable = problem.Weights
            ? new RuledUnfusedAttention<TRule>(plans, problem)
            : plans.Attention<TRule>(problem);
        return new AttentionPlan<TRule>(this, problem, executable);
    }

    /// <inheritdoc cref="Plan(AttentionProblem)"/>
    public SoftmaxPlan Plan(SoftmaxProblem problem) => new(this, problem, PlansOf(problem).Softmax(problem));

    /// <inheritdoc cref="Plan(AttentionProblem)"/>
    public MatmulPlan Plan(MatmulProblem problem) => new(this, problem, PlansOf(problem).Matmul(problem));

    /// <inheritdoc cref="Plan(AttentionProblem)"/>
    public RotaryPlan Plan(RotaryProblem problem) => new(this, problem, PlansOf(problem).Rotary(problem));

    /// <inheritdoc cref="Plan(AttentionProblem)"/>
    public CacheAppendPlan Plan(CacheAppendProblem problem) => new(this, problem, PlansOf(problem).CacheAppend(problem));

    /// <inheritdoc cref="Plan(AttentionProblem)"/>
    public MergePlan Plan(MergeProblem problem) => new(this, problem, PlansOf(problem).Merge(problem));

    /// <inheritdoc cref="Plan(AttentionProblem)"/>
    public WeightsPlan Plan(WeightsProblem problem) => new(this, problem, PlansOf(problem).Weights(problem));

    /// <summary>The weights of chosen rows after a run of <see cref="Plan{TRule}(AttentionProblem)"/>, with the same rule.</summary>
    /// <inheritdoc cref="Plan{TRule}(AttentionProblem)"/>
    public WeightsPlan<TRule> Plan<TRule>(WeightsProblem problem)
        where TRule : unmanaged, IScoreModifier
    {
        ModifierCheck.Require(typeof(TRule));
        return new WeightsPlan<TRule>(this, problem, PlansOf(problem).Weights<TRule>(problem));
    }

    /// <summary>Frees the device.</summary>
    public void Dispose() => Backend.Dispose();

    /// <summary>What makes the plan of a problem that does not contradict itself.</summary>
    private IPlanFactory PlansOf(IProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ObjectDisposedException.ThrowIf(Backend.IsDisposed, this);
        problem.Validate();
        return Backend.Plans;
    }

    /// <summary>The stream to use, checked.</summary>
    internal DeviceStream Use(DeviceStream? stream)
    {
        ObjectDisposedException.ThrowIf(Backend.IsDisposed, this);
        if (stream is null) return DefaultStream;
        if (stream.Device != this)
        {
            throw new ArgumentException(
                $"The stream is of another device ({stream.Device.Name}) than this ({Name})" +
                $"{(stream.Device.Name == Name ? ", opened separately" : "")}.", nameof(stream));
        }
        ObjectDisposedException.ThrowIf(stream.IsDisposed, stream);
        return stream;
    }
}
