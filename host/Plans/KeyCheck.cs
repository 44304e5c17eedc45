namespace AttnKernels.Plans;

/// <summary>Checks the tensors that say where keys lie and how they are stored.</summary>
internal static class KeyCheck
{
    /// <summary>The table as (batch, blocks of an entry).</summary>
    public static TensorView BlockTable(TensorCheck check, AttentionProblem p, in TensorView view, in TensorView keyLengths)
    {
        const string Name = nameof(AttentionTensors.BlockTable);
        if (p.Kv.IsPaged)
        {
            TensorView table = check.Rows(Name, view, DType.Int32, p.Batch, p.TableColumns);
            RequireInCache(Name, p, table, keyLengths);
            return table;
        }
        check.Absent(Name, view, "Kv.IsPaged");
        return default;
    }

    /// <summary>Scales of the rows of K or V as (batch, head, row), or none.</summary>
    public static TensorView Scales(TensorCheck check, AttentionProblem p, string name, in TensorView view)
    {
        if (p.KvType == DType.Int8) return check.Strided(name, view, DType.Float32, p.KeyBatch, p.HeadsKv, p.KeyRows);
        check.Absent(name, view, "KvType == Int8");
        return default;
    }

    /// <summary>Starts of packed sequences as (batch + 1), or none.</summary>
    public static TensorView Starts(string name, TensorCheck check, AttentionProblem p, int? total, int longest, in TensorView view)
    {
        if (total is { } rows)
        {
            TensorView starts = check.Dense(name, view, DType.Int32, p.Batch + 1);
            RequireOrdered(name, starts, rows, longest);
            return starts;
        }
        check.Absent(name, view, nameof(p.Packed), "null");
        return default;
    }

    /// <summary>
    /// Refuses starts that decrease or leave the tensor, and sequences that are too long, where the memory can be read here.
    /// </summary>
    private static unsafe void RequireOrdered(string name, in TensorView view, int total, int longest)
    {
        if (view.Buffer!.Address == 0) return;
        int* starts = (int*)view.Buffer.Address + view.Offset;
        int last = 0;
        for (int n = 0; n < view.Size(0); n++)
        {
            int start = starts[n];
            if (start < last || start > total)
                throw new ArgumentOutOfRangeException(name, start,
                    $"{name}[{n}] = {start} is not in {last}..{total}: starts never decrease.");
            if (n > 0 && start - last > longest)
            {
                throw new ArgumentOutOfRangeException(
                    name, start, $"{name}[{n}] - {name}[{n - 1}] = {start - last}, but the problem's longest sequence has {longest} rows.");
            }
            last = start;
        }
    }

    /// <summary>Refuses blocks of visible keys that the cache does not hold, where the memory can be read here.</summary>
    private static unsafe void RequireInCache(string name, AttentionProblem p, in TensorView table, in TensorView keyLengths)
    {
        if (table.Buffer!.Address == 0) return;
        int* blocks = (int*)table.Buffer.Address + table.Offset;
        int* lengths = keyLengths.IsEmpty ? null : (int*)keyLengths.Buffer!.Address + keyLengths.Offset;
        for (int b = 0; b < p.Batch; b++)
        {
            int keys = lengths == null ? p.SeqKv : lengths[b];
            for (int n = 0; n < (keys + p.Kv.BlockSize - 1) / p.Kv.BlockSize; n++)
            {
                int block = blocks[(b * table.Stride(0)) + n];
                if (block >= 0 && block < p.Kv.Blocks) continue;
                throw new ArgumentOutOfRangeException(
                    name, block, $"{name}[{b}, {n}] = {block} is not in 0..{p.Kv.Blocks - 1}, and {keys} keys of entry {b} are visible.");
            }
        }
    }
}
