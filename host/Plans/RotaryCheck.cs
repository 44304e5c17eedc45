namespace AttnKernels.Plans;

/// <summary>Checks the tensors of a rotary embedding that is fused into attention.</summary>
internal static class RotaryCheck
{
    /// <summary>A table of angles as (positions, pairs), or none.</summary>
    public static TensorView Angles(TensorCheck check, AttentionProblem p, string name, in TensorView view)
    {
        if (p.Rotary is { } rotary) return check.Rows(name, view, DType.Float32, rotary.MaxPosition, rotary.RotaryDim / 2);
        check.Absent(name, view, nameof(p.Rotary), "null");
        return default;
    }

    /// <summary>Positions as (batch, rows), or none.</summary>
    public static TensorView Positions(TensorCheck check, AttentionProblem p, string name, in TensorView view, int batch, int rows)
    {
        if (p.Rotary is { Positions: true } rotary)
        {
            TensorView positions = check.PerBatch(name, view, DType.Int32, batch, rows);
            RequireInRange(name, positions, rotary.MaxPosition);
            return positions;
        }
        check.Absent(name, view, "Rotary.Positions");
        return default;
    }

    /// <summary>Refuses a ring that has counted past the table's end, where the memory can be read here.</summary>
    public static unsafe void RequireInTable(AttentionProblem p, in TensorView keyLengths)
    {
        if (!p.Kv.IsRing || p.Rotary is not { } rotary || keyLengths.Buffer!.Address == 0) return;
        int* lengths = (int*)keyLengths.Buffer.Address + keyLengths.Offset;
        for (int b = 0; b < p.Batch; b++)
        {
            if (lengths[b] > rotary.MaxPosition)
                Refuse("KeyLengths", lengths[b],
                    $"KeyLengths[{b}] = {lengths[b]}, but the table of angles has {rotary.MaxPosition} positions.");
        }
    }

    /// <summary>Refuses positions outside the table, where the memory can be read here.</summary>
    private static unsafe void RequireInRange(string name, in TensorView view, int positions)
    {
        if (view.Buffer!.Address == 0) return;
        int* rows = (int*)view.Buffer.Address + view.Offset;
        for (int b = 0; b < view.Size(0); b++)
        {
            for (int n = 0; n < view.Size(1); n++)
            {
                int position = rows[(b * view.Stride(0)) + n];
                if (position < 0 || position >= positions)
                    Refuse(name, position, $"{name}[{b}, {n}] = {position} is not in 0..{positions - 1}.");
            }
        }
    }

    private static void Refuse(string name, int value, string message) => throw new ArgumentOutOfRangeException(name, value, message);
}
