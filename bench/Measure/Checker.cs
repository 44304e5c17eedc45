using AttnKernels.Bench.Data;
using AttnKernels.Bench.Workloads;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// Compares outputs of a workload with the double-precision reference and its derived bounds. Of large outputs blocks of rows at the start,
/// in the middle and at the end of every head are compared (all columns), so that the check costs less than what it guards.
/// </summary>
public sealed class Checker
{
    private const int BlockRows = 16;
    private readonly List<Block> blocks;

    private Checker(List<Block> blocks) => this.blocks = blocks;

    /// <summary>Computes the reference of the rows that will be compared.</summary>
    public static Checker Of(Workload workload, WorkloadInput input) => new(workload switch
    {
        AttentionWorkload a => AttentionBlocks(a.Problem, (AttentionInput)input),
        MatmulWorkload m => MatmulBlocks(m.Problem, (MatmulInput)input),
        SoftmaxWorkload s => SoftmaxBlocks(s.Problem, (SoftmaxInput)input),
        _ => throw new NotSupportedException(workload.Operation),
    });

    /// <summary>The worst comparison of <paramref name="output"/>, row-major as the workload's output tensor.</summary>
    public Comparison Check(float[] output) =>
        blocks.Select(block => Comparison.Of(block.Expected, block.Gather(output))).MaxBy(c => c.Worst)!;

    private static List<Block> AttentionBlocks(AttentionProblem p, AttentionInput input)
    {
        int shift = p.Band.ShiftFor(p.SeqQ, p.SeqKv);
        return [.. InParallel(RowBlocks(p.SeqQ)).Select(rows =>
        {
            var rule = new ScoreRule
            {
                Scale = p.EffectiveScale,
                Softcap = p.Softcap,
                Causal = p.Causal.Alignment is not null,
                Offset = shift + rows.First,
                WindowLeft = p.WindowLeft,
                WindowRight = p.WindowRight,
                KeyLengths = input.KeyLengths,
                Mask = Rows(input.Mask, rows),
                Bias = Rows(input.Bias, rows),
                AlibiSlopes = input.AlibiSlopes,
            };
            return new Block(
                References.Attention(Rows(input.Q, rows)!, input.K, input.V, rule, precision: p.InputPrecision).O,
                rows, p.SeqQ, p.HeadDimV);
        })];
    }

    private static List<Block> MatmulBlocks(MatmulProblem p, MatmulInput input)
    {
        HostTensor transposed = Transpose(input.B);
        return [.. InParallel(RowBlocks(p.M)).Select(rows => new Block(
            References.Matmul(new MatmulReference
            {
                A = Rows(input.A, rows)!, B = transposed, TransposeB = true, TypeC = p.TypeC, InputPrecision = p.InputPrecision,
            }),
            rows, p.M, p.N))];
    }

    private static List<Block> SoftmaxBlocks(SoftmaxProblem p, SoftmaxInput input) => [.. RowBlocks(p.Rows).Select(rows => new Block(
        References.Softmax(Rows(input.X, rows)!, new ScoreRule { Scale = p.Scale }, p.Log, p.OutputType).Y, rows, p.Rows, p.Columns))];

    private static ParallelQuery<(int First, int Count)> InParallel(IEnumerable<(int First, int Count)> blocks) =>
        blocks.AsParallel().AsOrdered();

    /// <summary>The first, a middle and the last block of <paramref name="rows"/>; everything where that is as little.</summary>
    private static IEnumerable<(int First, int Count)> RowBlocks(int rows)
    {
        if (rows <= 3 * BlockRows) return [(0, rows)];
        // The middle block straddles no tile boundary of a power of two on purpose: 5 is odd.
        return [(0, BlockRows), (rows / 2 - 5, BlockRows), (rows - BlockRows, BlockRows)];
    }

    /// <summary>Rows [First, First + Count) of the second axis from the end.</summary>
    private static HostTensor? Rows(HostTensor? tensor, (int First, int Count) rows)
    {
        if (tensor is null) return null;
        int total = tensor.Shape[^2], columns = tensor.Shape[^1];
        int[] shape = tensor.Shape.ToArray();
        shape[^2] = rows.Count;
        return new HostTensor(tensor.Type, GatherRows(tensor.Values, total, columns, rows), shape);
    }

    private static float[] GatherRows(float[] values, int total, int columns, (int First, int Count) rows)
    {
        int heads = values.Length / (total * columns);
        var gathered = new float[heads * rows.Count * columns];
        for (int h = 0; h < heads; h++)
            values.AsSpan((h * total + rows.First) * columns, rows.Count * columns).CopyTo(gathered.AsSpan(h * rows.Count * columns));
        return gathered;
    }

    private static HostTensor Transpose(HostTensor b)
    {
        int k = b.Shape[1], n = b.Shape[2];
        var values = new float[k * n];
        for (int row = 0; row < k; row++)
            for (int column = 0; column < n; column++) values[column * k + row] = b.Values[row * n + column];
        return new HostTensor(b.Type, values, 1, n, k);
    }

    private sealed record Block(Expected Expected, (int First, int Count) Rows, int TotalRows, int Columns)
    {
        public float[] Gather(float[] output) => GatherRows(output, TotalRows, Columns, Rows);
    }
}
