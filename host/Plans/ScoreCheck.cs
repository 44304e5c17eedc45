namespace AttnKernels.Plans;

/// <summary>Checks the optional tensors that attention and softmax share.</summary>
internal static class ScoreCheck
{
    public static TensorView Lse(TensorCheck check, ScoreProblem p, in TensorView view)
    {
        const string Name = nameof(AttentionTensors.Lse);
        if (p.Lse) return check.Dense(Name, view, DType.Float32, p.LseBatch, p.ScoreHeads, p.LseRows);
        check.Absent(Name, view, nameof(p.Lse));
        return default;
    }

    public static TensorView Mask(TensorCheck check, ScoreProblem p, in TensorView view)
    {
        const string Name = nameof(AttentionTensors.Mask);
        if (p.Mask) return check.Broadcast(Name, view, DType.Bool, p.ScoreBatch, p.ScoreHeads, p.ScoreRows, p.ScoreColumns);
        check.Absent(Name, view, nameof(p.Mask));
        return default;
    }

    public static TensorView Bias(TensorCheck check, ScoreProblem p, in TensorView view)
    {
        const string Name = nameof(AttentionTensors.Bias);
        if (p.Bias) return check.Broadcast(Name, view, p.BiasType, p.ScoreBatch, p.ScoreHeads, p.ScoreRows, p.ScoreColumns);
        check.Absent(Name, view, nameof(p.Bias));
        return default;
    }

    public static TensorView KeyLengths(TensorCheck check, ScoreProblem p, in TensorView view)
    {
        const string Name = nameof(AttentionTensors.KeyLengths);
        if (p.KeyLengths)
        {
            TensorView lengths = check.Dense(Name, view, DType.Int32, p.ScoreBatch);
            RequireInRange(Name, lengths, p.MaxKeyLength);
            return lengths;
        }
        check.Absent(Name, view, nameof(p.KeyLengths));
        return default;
    }

    public static TensorView AlibiSlopes(TensorCheck check, ScoreProblem p, in TensorView view)
    {
        const string Name = nameof(AttentionTensors.AlibiSlopes);
        if (p.Alibi) return check.Slopes(Name, view, p.ScoreBatch, p.ScoreHeads);
        check.Absent(Name, view, nameof(p.Alibi));
        return default;
    }

    /// <summary>Float32 (heads), where <paramref name="isPresent"/>.</summary>
    public static TensorView PerHead(string name, TensorCheck check, ScoreProblem p, bool isPresent, in TensorView view)
    {
        if (isPresent) return check.Dense(name, view, DType.Float32, p.ScoreHeads);
        check.Absent(name, view, name);
        return default;
    }

    public static TensorView Documents(string name, TensorCheck check, ScoreProblem p, int count, in TensorView view)
    {
        if (p.Documents) return check.PerBatch(name, view, DType.Int32, p.ScoreBatch, count);
        check.Absent(name, view, nameof(p.Documents));
        return default;
    }

    public static TensorView BlockMask(TensorCheck check, ScoreProblem p, in TensorView view)
    {
        const string Name = nameof(AttentionTensors.BlockMask);
        if (p.Blocks is { } blocks)
        {
            return check.Broadcast(
                Name, view, DType.Bool, p.ScoreBatch, p.ScoreHeads, blocks.QueryBlocks(p.ScoreRows), blocks.KeyBlocks(p.ScoreColumns));
        }
        check.Absent(Name, view, nameof(p.Blocks), "null");
        return default;
    }

    /// <summary>
    /// Refuses lengths outside 0..<paramref name="keys"/>, where the memory can be read here. Elsewhere reading it would wait for the
    /// device;
    /// the kernels clamp there.
    /// </summary>
    private static unsafe void RequireInRange(string name, in TensorView view, int keys)
    {
        if (view.Buffer!.Address == 0) return;
        int* lengths = (int*)view.Buffer.Address + view.Offset;
        for (int b = 0; b < view.Size(0); b++)
        {
            if (lengths[b] >= 0 && lengths[b] <= keys) continue;
            throw new ArgumentOutOfRangeException(name, lengths[b], $"{name}[{b}] = {lengths[b]} is not in 0..{keys}.");
        }
    }
}
