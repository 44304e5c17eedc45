using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>How a problem and its tensors become the score rule that a kernel takes.</summary>
internal interface IScoreBinding<out TScore>
    where TScore : struct, IScoreRule
{
    static abstract TScore Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors);
}

/// <summary>How kernels name their score rule.</summary>
internal static class ScoreLabel
{
    public static string Of<TScore>() => typeof(TScore).IsGenericType
        ? $"UserScore<{typeof(TScore).GetGenericArguments()[0].Name}>"
        : typeof(TScore).Name;
}

/// <summary>A positive scale alone.</summary>
internal readonly struct PlainBinding : IScoreBinding<PlainScore>
{
    public static PlainScore Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors) =>
        new() { ScaleLog2 = problem.ScoreScale * SpecialMath.Log2E };
}

/// <summary>All terms.</summary>
internal readonly struct GeneralBinding : IScoreBinding<GeneralScore>
{
    /// <summary>Whether a problem has a term beyond a positive scale and its band.</summary>
    public static bool IsNeeded(ScoreProblem problem) =>
        problem.Softcap > 0 || problem.Mask || problem.Bias || problem.Alibi || problem.ScoreScale <= 0
        || problem.Sinks || problem.HeadScales || problem.Documents || problem.Blocks is not null;

    public static GeneralScore Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors)
    {
        return new GeneralScore
        {
            Scale = problem.ScoreScale,
            Softcap = problem.Softcap,
            InverseSoftcap = 1 / problem.Softcap,
            HasMask = tensors.Mask.Flag(),
            HasAlibi = tensors.AlibiSlopes.Flag(),
            Mask = device.Data<byte>(tensors.Mask),
            MaskAt = KernelArgs.Broadcast(tensors.Mask),
            Bias = device.Floats(tensors.Bias),
            BiasAt = KernelArgs.Broadcast(tensors.Bias),
            AlibiSlopes = device.Data<float>(tensors.AlibiSlopes),
            AlibiOffset = tensors.AlibiSlopes.Offset,
            AlibiBatchStride = BatchStride(tensors.AlibiSlopes),
            HeadScales = device.Data<float>(tensors.HeadScales),
            HeadScalesOffset = tensors.HeadScales.Offset,
            HasHeadScales = tensors.HeadScales.Flag(),
            Sinks = device.Data<float>(tensors.Sinks),
            SinksOffset = tensors.Sinks.Offset,
            HasSinks = tensors.Sinks.Flag(),
            Documents = new DocumentMask
            {
                Q = device.Data<int>(tensors.DocumentsQ),
                QOffset = tensors.DocumentsQ.Offset,
                QBatchStride = BatchStride(tensors.DocumentsQ),
                Kv = device.Data<int>(tensors.DocumentsKv),
                KvOffset = tensors.DocumentsKv.Offset,
                KvBatchStride = BatchStride(tensors.DocumentsKv),
                IsPresent = tensors.DocumentsQ.Flag(),
            },
            Blocks = new BlockMask
            {
                Mask = device.Data<byte>(tensors.BlockMask),
                At = KernelArgs.Broadcast(tensors.BlockMask),
                QueryBlock = problem.Blocks?.QueryBlock ?? 0,
                KeyBlock = problem.Blocks?.KeyBlock ?? 0,
            },
        };
    }

    private static long BatchStride(in TensorView view) => view.IsEmpty ? 0 : view.Stride(0);
}

/// <summary>All terms and a score modifier, whose values follow.</summary>
internal readonly struct UserBinding<TRule> : IScoreBinding<UserScore<TRule>>
    where TRule : unmanaged, IScoreModifier
{
    public static UserScore<TRule> Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors) => new()
    {
        General = GeneralBinding.Bind(device, problem, tensors),
        Tables = new ViewTables
        {
            Floats = device.Data<float>(tensors.RuleFloats),
            FloatsOffset = tensors.RuleFloats.Offset,
            FloatCount = (int)tensors.RuleFloats.Count,
            Ints = device.Data<int>(tensors.RuleInts),
            IntsOffset = tensors.RuleInts.Offset,
            IntCount = (int)tensors.RuleInts.Count,
        },
    };
}
