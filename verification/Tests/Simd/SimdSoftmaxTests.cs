using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

public sealed unsafe class SimdSoftmaxTests
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(64)]
    [InlineData(129)]
    [InlineData(501)]
    [InlineData(4099)]
    public void Every_type_logarithm_or_not_and_in_place(int columns)
    {
        for (int mode = 0; mode < 18; mode++) Verify(columns, rows: 5, Types[mode % 3], Types[mode / 3 % 3], log: mode >= 9, mode,
            KeyBand.All);
    }

    [Fact]
    public void Every_combination_of_masks()
    {
        for (int mode = 0; mode < 64; mode++)
        {
            var band = (mode % 3) switch
            {
                0 => KeyBand.All,
                1 => new KeyBand(0, true, KeyBand.Unlimited, 0),
                _ => new KeyBand(-9,
                false, 7, 30)
            };
            Verify(columns: 75, rows: 31, DType.Float32, DType.Float32, log: (mode & 1) != 0, mode, band, masks: true);
        }
    }

    /// <summary>Rows that fit registers, between ordinary ones: one with a NaN, one with +inf, one with nothing but -inf.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(48)]
    [InlineData(64)]
    public void Short_rows_that_are_not_finite(int columns)
    {
        const int Rows = 7;
        using var x = new Native((long)Rows * columns, DType.Float32).FillRandom(columns, 4);
        using var y = new Native(x.Count, DType.Float32);
        for (int c = 0; c < columns; c++) x[4L * columns + c] = float.NegativeInfinity;
        x[columns + 3] = float.NegativeInfinity;
        x[columns + 5] = float.NaN;
        x[2L * columns] = float.PositiveInfinity;
        var tensor = new HeadTensor { Data = x.Data, RowStride = columns };
        var args = new SoftmaxArgs { Batch = 1, Heads = 1, Rows = Rows, Columns = columns, X = tensor, Y = tensor };
        args.Y.Data = y.Data;
        args.Score.Scale = 1;
        args.Score.Band = KeyBand.All;
        foreach (var workers in Pools.ByWidth)
        {
            for (long i = 0; i < y.Count; i++) y[i] = 7;
            SimdSoftmax.Run(args, workers);
            for (int row = 0; row < Rows; row++)
            {
                double sum = 0;
                for (int c = 0; c < columns; c++) sum += y[(long)row * columns + c];
                if (row is 1 or 2) double.IsNaN(sum).Should().BeTrue("row {0}, {1}", row, workers.Width);
                else sum.Should().BeApproximately(row == 4 ? 0 : 1, 1e-5, "row {0}, {1}", row, workers.Width);
            }

            y[columns + 3].Should().Be(0, "-inf is hidden beside a NaN, {0}", workers.Width);
            y[columns + 4].Should().Be(float.NaN, "a NaN reaches every visible column, {0}", workers.Width);
        }
    }

    private static void Verify(int columns, int rows, DType typeX, DType typeY, bool log, int mode, KeyBand band, bool masks = false)
    {
        const int Batch = 2;
        const int Heads = 2;
        int count = Batch * Heads * rows;
        using var x = new Native((long)count * columns, typeX, 2).FillRandom(mode, 4);
        using var y = new Native((long)count * columns, typeY, 2);
        using var lse = new Native(count, DType.Float32);
        using var lengths = new Native(Batch, DType.Int32);
        using var mask = new Native((long)Batch * rows * columns, DType.Bool, 1);
        using var bias = new Native((long)rows * columns, DType.BFloat16, 2).FillRandom(mode + 1, 2);
        using var slopes = new Native(Heads, DType.Float32);
        var random = new Random(mode);
        for (int i = 0; i < mask.Count; i++) mask[i] = random.Next(4);
        for (int i = 0; i < columns; i++) mask[2L * columns + i] = 0;
        for (int i = 0; i < bias.Count; i += 3) bias[i] = float.NegativeInfinity;
        (lengths[0], lengths[1], slopes[0], slopes[1]) = (columns - 11, 0, 0.5f, 0.1f);

        var args = new SoftmaxArgs
        {
            Batch = Batch, Heads = Heads, Rows = rows, Columns = columns, TypeX = typeX, TypeY = typeY,
            Log = log
        };
        args.X = new HeadTensor
        {
            Data = x.Data, BatchStride = (long)Heads * rows * columns, HeadStride = (long)rows * columns,
            RowStride = columns
        };
        args.Y = args.X;
        args.Y.Data = y.Data;
        args.Lse = (float*)lse.Data;
        args.Score.Scale = 0.7f;
        args.Score.Band = band;
        if (masks && (mode & 2) != 0) args.Score.KeyLengths = (int*)lengths.Data;
        if (masks && (mode & 4) != 0) args.Score.Mask = new BroadcastTensor
        {
            Data = mask.Data, BatchStride = (long)rows * columns,
            RowStride = columns, ColumnStride = 1
        };
        if (masks && (mode & 8) != 0) args.Score.Bias = new BroadcastTensor { Data = bias.Data, RowStride = columns, ColumnStride = 1 };
        if (masks && (mode & 8) != 0) args.Score.BiasType = DType.BFloat16;
        if (masks && (mode & 16) != 0) args.Score.AlibiSlopes = (float*)slopes.Data;
        if (masks && (mode & 32) != 0) args.Score.Softcap = 3;

        var expected = new double[count * columns];
        var expectedLse = new double[count];
        for (int row = 0; row < count; row++) Reference(args, row / Heads / rows, row / rows % Heads, row % rows, x, mask, bias,
            expected, expectedLse);
        PoisonHidden(x, expected, log);

        byte[]? first = null;
        foreach (var workers in Pools.ByThreads)
        {
            SimdSoftmax.Run(args, workers);
            first ??= y.Bytes.ToArray();
            y.Bytes.SequenceEqual(first).Should().BeTrue("{0} threads must give the bits of one", workers.Threads);
        }

        foreach (var workers in Pools.ByWidth.Prepend(Pools.ByThreads[0]))
        {
            SimdSoftmax.Run(args, workers);
            string what = $"mode {mode}, {rows} x {columns}, {typeX} to {typeY}, log {log}, {workers.Width}";
            double u = typeY switch { DType.Float32 => 6e-7, DType.Float16 => 4.9e-4, _ => 3.91e-3 };
            for (int i = 0; i < expected.Length; i++)
            {
                double bound = u * Math.Abs(expected[i]) + (log ? 5e-6 : 4e-6 * expected[i]) + (typeY == DType.Float16 ? 3e-8 : 1e-37);
                bool same = double.IsNegativeInfinity(expected[i]) ? float.IsNegativeInfinity(y[i]) : Math.Abs(y[i] - expected[i]) <= bound;
                if (!same) y[i].Should().Be((float)expected[i], "element {0} of {1}", i, what);
            }

            for (int i = 0; i < count; i++)
            {
                bool same = double.IsNegativeInfinity(expectedLse[i])
                    ? float.IsNegativeInfinity(lse[i]) : Math.Abs(lse[i] - expectedLse[i]) <= 5e-6;
                if (!same) lse[i].Should().Be((float)expectedLse[i], "LSE {0} of {1}", i, what);
            }
        }

        if (typeX != typeY) return;
        args.Y.Data = x.Data;
        SimdSoftmax.Run(args, Pools.ByThreads[1]);
        x.Bytes.SequenceEqual(first).Should().BeTrue("in place gives the same bits");
    }

    private static void Reference(in SoftmaxArgs args, int b, int h, int i, Native x, Native mask, Native bias, double[] expected,
        double[] expectedLse)
    {
        int columns = args.Columns;
        int row = (b * args.Heads + h) * args.Rows + i;
        int length = args.Score.KeyLengths == null ? columns : Math.Clamp(args.Score.KeyLengths[b], 0, columns);
        int shift = args.Score.Band.ShiftFor(args.Rows, length);
        var s = new double[columns];
        double m = double.NegativeInfinity;
        for (int j = 0; j < columns; j++)
        {
            s[j] = (double)args.Score.Scale * x[(long)row * columns + j];
            if (args.Score.Softcap > 0) s[j] = args.Score.Softcap * Math.Tanh(s[j] / args.Score.Softcap);
            if (args.Score.Bias.Data != null) s[j] += bias[(long)i * columns + j];
            if (args.Score.AlibiSlopes != null) s[j] -= args.Score.AlibiSlopes[h] * Math.Abs(i + shift - j);
            bool visible = j >= args.Score.Band.First(i, shift) && j < args.Score.Band.End(i, shift, length)
                && (args.Score.Mask.Data == null || mask[((long)b * args.Rows + i) * columns + j] != 0);
            if (!visible) s[j] = double.NegativeInfinity;
            m = Math.Max(m, s[j]);
        }

        double l = s.Sum(score => double.IsNegativeInfinity(score) ? 0 : Math.Exp(score - m));
        expectedLse[row] = l == 0 ? double.NegativeInfinity : m + Math.Log(l);
        for (int j = 0; j < columns; j++)
        {
            double log = double.IsNegativeInfinity(s[j]) ? s[j] : s[j] - expectedLse[row];
            expected[row * columns + j] = args.Log ? log : Math.Exp(log);
        }
    }

    private static void PoisonHidden(Native x, double[] expected, bool log)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] == (log ? double.NegativeInfinity : 0)) x[i] = float.NaN;
        }
    }
}
