namespace AttnKernels.Verification;

/// <summary>New rows into a cache; nothing else of it may change. Entries of a block table that no new row needs lie outside the
/// cache.</summary>
/// <param name="Problem">What is copied.</param>
/// <param name="Options">Placement of cache and update.</param>
/// <param name="Name">Says the sizes and features.</param>
/// <param name="Size">Where it runs.</param>
public sealed record CacheAppendCase(CacheAppendProblem Problem, CaseOptions Options, string Name, CaseSize Size)
    : VerificationCase("cache-append", Name, Problem.Type, Size)
{
    private protected override CaseResult Execute(AttentionDevice device)
    {
        CacheAppendProblem p = Problem;
        Seeded random = Random();
        using CacheAppendPlan plan = device.Plan(p);
        bool isInteger = p.CacheType == DType.Int8;
        HostTensor cache = random.Normals(0, isInteger ? DType.Float32 : p.CacheType, 1, p.CacheBatch, p.Heads, p.CacheRows, p.HeadDim);
        if (isInteger)
            cache = new HostTensor(DType.Int8, [.. cache.Values.Select(x => MathF.Round(Math.Clamp(40 * x, -127, 127)))], cache.Shape);
        HostTensor scales = random.Normals(3, DType.Float32, 1, p.CacheBatch, p.Heads, p.CacheRows);
        HostTensor update = Update(random);
        int starts = p.Kv.IsRing ? 3 * p.Capacity : p.Capacity - p.Rows + 1;
        int[] first = [.. Enumerable.Range(0, p.Batch).Select(b => p.Starts ? (int)(random.Uniform(2, b) * starts) : 0)];
        int[]? table = p.Kv.IsPaged ? Table(random, first) : null;

        using PlacedTensor target = PlacedTensor.Input(device, cache, Options.Placement),
            source = PlacedTensor.Input(device, update, Options.Placement);
        using PlacedTensor? targetScales = isInteger ? PlacedTensor.Input(device, scales, Placement.Dense) : null;
        using PlacedTensor? where = p.Starts ? Indices(device, first, p.Batch) : null;
        using PlacedTensor? blocks = table is null ? null : Indices(device, table, p.Batch, p.TableColumns);
        plan.Run(new CacheAppendTensors
        {
            Cache = target.View,
            Scales = targetScales is null ? default : targetScales.ViewOfRank(3),
            Update = source.View,
            Starts = where is null ? default : where.ViewOfRank(1),
            BlockTable = blocks is null ? default : blocks.ViewOfRank(2),
        });
        device.Synchronize();

        (Expected expected, Expected expectedScales) = CacheReferences.Append(cache, scales, update,
            (b, r) => Place(table, b, first[b] + r));
        List<Comparison> comparisons = [Comparison.Of(expected, target.Read())];
        if (targetScales is not null) comparisons.Add(Comparison.Of(expectedScales, targetScales.Read()));
        return Judge(plan.Explain(), comparisons, 0,
            [target.Damage(true), targetScales?.Damage(true), source.Damage(false), where?.Damage(false), blocks?.Damage(false)]);
    }

    /// <summary>Normal rows of different sizes; where they are quantised also one of zeros, one with a NaN and one with an
    /// infinity.</summary>
    private HostTensor Update(Seeded random)
    {
        CacheAppendProblem p = Problem;
        HostTensor update = random.Normals(1, p.Type, 1, p.Batch, p.Heads, p.Rows, p.HeadDim);
        if (p.CacheType != DType.Int8) return update;
        for (int n = 0; n < update.Values.Length; n++)
        {
            float size = MathF.Pow(4, (n / p.HeadDim % 7) - 3);
            update.Values[n] = HostTensor.Round(p.Type, (n / p.HeadDim % 11) switch
            {
                4 => 0,
                6 when n % p.HeadDim == p.HeadDim - 1 => float.NaN,
                8 when n % p.HeadDim == 0 => float.NegativeInfinity,
                // A maximum of 127 / 16 makes every 32nd a tie.
                9 => n % p.HeadDim == 0 ? -127 / 16f : MathF.Round(32 * update.Values[n]) / 32,
                _ => size * update.Values[n],
            });
        }
        return update;
    }

    private (int Entry, int Row) Place(int[]? table, int b, int row)
    {
        row %= Problem.Capacity;
        if (table is null) return (b, row);
        int size = Problem.Kv.BlockSize;
        return (table[(b * Problem.TableColumns) + (row / size)], row % size);
    }

    private int[] Table(Seeded random, int[] first)
    {
        CacheAppendProblem p = Problem;
        int size = p.Kv.BlockSize, columns = p.TableColumns;
        int[] blocks = [.. Enumerable.Range(0, p.Kv.Blocks).OrderBy(n => random.Uniform(4, n))];
        int[] table = [.. Enumerable.Repeat(-7, p.Batch * columns)];
        int next = 0;
        for (int b = 0; b < p.Batch; b++)
            for (int n = first[b] / size; n <= (first[b] + p.Rows - 1) / size; n++)
                table[(b * columns) + n] = blocks[next++];
        return table;
    }

    private static PlacedTensor Indices(AttentionDevice device, int[] values, params ReadOnlySpan<int> shape) =>
        PlacedTensor.Input(device, new HostTensor(DType.Int32, [.. values.Select(v => (float)v)], shape), Placement.Dense);
}
