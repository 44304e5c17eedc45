using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>Attention whose kernel could have other tiles: TensorFlashForward.</summary>
internal interface ITiled
{
    /// <summary>The tile that it has: "128x64".</summary>
    string Tile { get; }

    /// <summary>The tiles that fit the problem and the device, its own among them; none for other kernels.</summary>
    IReadOnlyList<string> Tiles { get; }
}

/// <summary>Measures the tiles that attention could have on a device with tensor cores.</summary>
internal static class AttentionTuner
{
    /// <summary>Tensors that say where keys lie, which are made here.</summary>
    private static readonly string[] Places =
        [nameof(AttentionTensors.BlockTable), nameof(AttentionTensors.StartsQ), nameof(AttentionTensors.StartsKv)];

    /// <summary>Runs every tile <paramref name="rounds"/> times in turn, and takes the least median.</summary>
    /// <exception cref="NotSupportedException">There are not two tiles to choose from, or the problem has more inputs than Q, K, V and
    /// where they lie; the message says so.</exception>
    public static TunedProblem Measure(AttentionDevice device, AttentionProblem problem, int rounds)
    {
        problem.Validate();
        if (problem.OptionalTensors.Except(Places).FirstOrDefault() is { } more)
            throw new NotSupportedException($"What is measured is attention of Q, K and V alone; {problem} has {more}.");
        (IReadOnlyList<string> tiles, int estimate) = Tiles(device, problem);
        AttentionProblem[] candidates = [.. tiles.Select(tile => problem with { Tile = tile })];

        AttentionProblem p = problem;
        using DeviceTensor q = Tuner.Filled(device, p.Type, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDim);
        using DeviceTensor k = Tuner.Filled(device, p.KvType, p.KeyBatch, p.HeadsKv, p.KeyRows, p.HeadDim);
        using DeviceTensor v = Tuner.Filled(device, p.KvType, p.KeyBatch, p.HeadsKv, p.KeyRows, p.HeadDimV);
        using DeviceTensor o = device.Allocate(p.Type, p.QueryBatch, p.HeadsQ, p.QueryRows, p.HeadDimV);
        using DeviceTensor startsQ = Multiples(device, p.SeqQ, p.Batch + 1, p.QueryRows);
        using DeviceTensor startsKv = Multiples(device, p.SeqKv, p.Batch + 1, p.KeyRows);
        using DeviceTensor blocks = Multiples(device, 1, p.Batch * p.TableColumns, p.KeyBatch - 1);
        AttentionTensors tensors = new()
        {
            Q = q,
            K = k,
            V = v,
            O = o,
            StartsQ = p.Packed is null ? default(TensorView) : startsQ,
            StartsKv = p.Packed?.TotalKv is null ? default(TensorView) : startsKv,
            BlockTable = p.Kv.IsPaged ? blocks.View.SplitAxis(0, p.Batch, p.TableColumns) : default,
        };
        double[] medians = Tuner.Medians(device, candidates, device.Plan, plan => plan.Run(tensors), rounds);
        return Tuner.Result(TuningClass.Of(problem), [.. tiles.Select(tile => (tile, 1))], estimate, medians);
    }

    /// <summary>The tiles to measure, and which of them is the estimate's, whatever was measured before.</summary>
    public static (IReadOnlyList<string> Tiles, int Estimate) Tiles(AttentionDevice device, AttentionProblem problem)
    {
        using Executable<AttentionTensors> plan = device.Backend.Plans.Attention(problem with { Tile = "" });
        if (plan is ITiled { Tiles.Count: > 1 } tiled) return (tiled.Tiles, tiled.Tiles.ToList().IndexOf(tiled.Tile));
        string why = plan is ITiled { Tiles.Count: 1 } only ? $"{only.Tile} is its only tile" : plan.Explain();
        throw new NotSupportedException($"There is nothing to tune for {problem} on {device.Info.Name}: {why}.");
    }

    /// <summary>0, 1, 2, .. times a length, and no more than there is.</summary>
    private static DeviceTensor Multiples(AttentionDevice device, int length, int count, int most)
    {
        int[] values = new int[Math.Max(count, 1)];
        for (int i = 0; i < values.Length; i++) values[i] = (int)Math.Min((long)i * length, most);
        return device.Upload(values, values.Length);
    }
}
