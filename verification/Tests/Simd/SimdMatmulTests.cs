using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

public sealed unsafe class SimdMatmulTests
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 65, 17)]
    [InlineData(6, 64, 300)]
    [InlineData(37, 129, 64)]
    [InlineData(61, 17, 501)]
    [InlineData(100, 301, 65)]
    [InlineData(5, 70, 1100)]
    [InlineData(600, 18, 20)]
    [InlineData(13, 5, 0)]
    public void Every_layout_in_every_type(int m, int n, int k)
    {
        for (int layout = 0; layout < 8; layout++)
        {
            foreach (var type in Types)
            {
                using var problem = new MatmulCase(2, 3, 1, m, n, k, type, layout);
                Verify(problem);
            }
        }
    }

    [Fact]
    public void Alpha_beta_and_bias_with_mixed_types_and_shared_B()
    {
        for (int mode = 0; mode < 27; mode++)
        {
            using var problem = new MatmulCase(1, 6, 3, 19, 70, 40, Types[mode % 3], mode % 8, Types[mode / 3 % 3], Types[mode / 9]);
            problem.Args.Alpha = 0.5f;
            problem.Args.Beta = mode % 2 == 0 ? -1.5f : 0;
            problem.AddBias(Types[(mode + 1) % 3]);
            Verify(problem);
        }
    }

    [Fact]
    public void An_element_of_A_that_is_zero_hides_NaN_in_B()
    {
        for (int layout = 0; layout < 8; layout++)
        {
            using var problem = new MatmulCase(1, 2, 1, 20, 70, 300, DType.Float32, layout);
            problem.Args.SkipZeroA = true;
            problem.HideRowsOfB();
            Verify(problem);
        }
    }

    private static void Verify(MatmulCase problem)
    {
        byte[]? first = null;
        foreach (var workers in Pools.ByThreads)
        {
            problem.Run(workers);
            first ??= problem.C.Bytes.ToArray();
            problem.C.Bytes.SequenceEqual(first).Should().BeTrue("{0} threads must give the bits of one, in {1}", workers.Threads, problem);
        }

        problem.Check();
        foreach (var workers in Pools.ByWidth)
        {
            problem.Run(workers);
            problem.Check();
        }
    }

    /// <summary>Operands, their layouts (bit 0, 1, 2 = A, B, C transposed) and the product in double.</summary>
    private sealed class MatmulCase : IDisposable
    {
        public MatmulArgs Args;
        private readonly Native a;
        private readonly Native b;
        private readonly float[] before;
        private readonly int layout;
        private Native? bias;
        private (double Value, double Bound)[]? expected;

        public MatmulCase(int batch0, int batch1, int groupB, int m, int n, int k, DType type, int layout, DType? typeB = null,
            DType? typeC = null)
        {
            this.layout = layout;
            int count = batch0 * batch1;
            a = new Native(Math.Max(1, (long)count * m * k), type, type.Size()).FillRandom(1);
            b = new Native(Math.Max(1, (long)count / groupB * k * n), typeB ?? type, 2).FillRandom(2);
            C = new Native((long)count * m * n, typeC ?? type, 2).FillRandom(3);
            before = [.. Enumerable.Range(0, (int)C.Count).Select(i => C[i])];
            Args = new MatmulArgs
            {
                Batch0 = batch0, Batch1 = batch1, GroupB = groupB, M = m, N = n, K = k, Alpha = 1,
                A = Matrix(a, batch1, m, k, (layout & 1) != 0),
                B = Matrix(b, batch1 / groupB, k, n, (layout & 2) != 0),
                C = Matrix(C, batch1, m, n, (layout & 4) != 0),
            };
        }

        public Native C { get; }

        public override string ToString() =>
            $"{Args.Batch0}x{Args.Batch1}/{Args.GroupB} {Args.M}x{Args.N}x{Args.K} {Args.A.Type}"
            + $" {Args.B.Type} {Args.C.Type} layout {layout} alpha {Args.Alpha} beta {Args.Beta}";

        public void AddBias(DType type)
        {
            bias = new Native(Args.N, type, 2).FillRandom(4);
            Args.Bias = bias.Data;
            Args.BiasType = type;
        }

        /// <summary>Every fifth row of B becomes NaN and infinities, and the column of A that meets it 0.</summary>
        public void HideRowsOfB()
        {
            for (int k = 0; k < Args.K; k += 5)
            {
                for (int batch = 0; batch < Args.Batch1; batch++)
                {
                    for (int r = 0; r < Args.M; r++) a[Index(Args.A, 0, batch, r, k)] = 0;
                    for (int c = 0; c < Args.N; c++) b[Index(Args.B, 0, batch, k, c)] = (c % 3) switch
                    {
                        0 => float.NaN,
                        1 =>
                        float.PositiveInfinity,
                        _ => 1
                    };
                }
            }
        }

        public void Run(SimdWorkers workers)
        {
            for (int i = 0; i < before.Length; i++) C[i] = Args.Beta == 0 ? float.NaN : before[i];
            SimdMatmul.Run(Args, workers);
        }

        public void Check()
        {
            expected ??= [.. Elements().Select(Reference)];
            int i = 0;
            foreach (var (b0, b1, r, c) in Elements())
            {
                var (value, bound) = expected[i++];
                float actual = C[Index(Args.C, b0, b1, r, c)];
                if (Math.Abs(actual - value) <= bound) continue;
                actual.Should().Be((float)value, "C({0},{1},{2},{3}) of {4} must be within {5:E2}", b0, b1, r, c, this, bound);
            }
        }

        public void Dispose()
        {
            a.Dispose();
            b.Dispose();
            C.Dispose();
            bias?.Dispose();
        }

        private IEnumerable<(int B0, int B1, int R, int C)> Elements() =>
            from b0 in Enumerable.Range(0, Args.Batch0)
            from b1 in Enumerable.Range(0, Args.Batch1)
            from r in Enumerable.Range(0, Args.M)
            from c in Enumerable.Range(0, Args.N)
            select (b0, b1, r, c);

        private (double Value, double Bound) Reference((int B0, int B1, int R, int C) at)
        {
            double u = Args.C.Type switch { DType.Float32 => 6e-8, DType.Float16 => 4.9e-4, _ => 3.91e-3 };
            double sum = 0;
            double magnitude = 0;
            for (int k = 0; k < Args.K; k++)
            {
                double weight = a[Index(Args.A, at.B0, at.B1, at.R, k)];
                if (weight == 0 && Args.SkipZeroA) continue;
                double product = weight * b[Index(Args.B, at.B0, at.B1 / Args.GroupB, k, at.C)];
                sum += product;
                magnitude += Math.Abs(product);
            }

            double old = Args.Beta == 0 ? 0 : Args.Beta * before[Index(Args.C, at.B0, at.B1, at.R, at.C)];
            double added = bias == null ? 0 : bias[at.C];
            double value = Args.Alpha * sum + old + added;
            double rounding = (Args.K + 4) * 6e-8 * Math.Abs(Args.Alpha) * magnitude + 2e-7 * (Math.Abs(old) + Math.Abs(added));
            return (value, rounding + u * Math.Abs(value) + 6e-8);
        }

        private static long Index(in MatrixArgs matrix, int b0, int b1, int r, int c) =>
            b0 * matrix.Batch0Stride + b1 * matrix.Batch1Stride + r * matrix.RowStride + c * matrix.ColumnStride;

        private static MatrixArgs Matrix(Native native, int batch1, int rows, int columns, bool transposed) => new()
        {
            Data = native.Data,
            Type = native.Type,
            Batch0Stride = (long)batch1 * rows * columns,
            Batch1Stride = (long)rows * columns,
            RowStride = transposed ? 1 : columns,
            ColumnStride = transposed ? rows : 1,
        };
    }
}
