namespace AttnKernels.Verification;

/// <summary>
/// C[b] = f(alpha A[b] B[b'] + beta C0[b] + bias) over a batch of (outer, inner) matrices: b = (b0, b1), b' = (b0, b1 / groupB). A is
/// (batch, M, K), or (batch, K, M) where transposed; B (batch', K, N) or (batch', N, K); bias (N).
/// </summary>
public sealed record MatmulReference
{
    /// <summary>Left operands: rank 3.</summary>
    public required HostTensor A { get; init; }

    /// <summary>Right operands: rank 3.</summary>
    public required HostTensor B { get; init; }

    /// <summary>What C holds before, rank 3; null where <see cref="Beta"/> is 0.</summary>
    public HostTensor? C0 { get; init; }

    /// <summary>(N), or null.</summary>
    public HostTensor? Bias { get; init; }

    /// <summary>Storage of the result.</summary>
    public DType TypeC { get; init; }

    /// <summary>Whether A is stored (K, M).</summary>
    public bool TransposeA { get; init; }

    /// <summary>Whether B is stored (N, K).</summary>
    public bool TransposeB { get; init; }

    /// <summary>How many consecutive inner batch entries share one B.</summary>
    public int GroupB { get; init; } = 1;

    /// <summary>Factor of the product.</summary>
    public float Alpha { get; init; } = 1;

    /// <summary>Factor of <see cref="C0"/>.</summary>
    public float Beta { get; init; }

    /// <summary>f.</summary>
    public Activation Activation { get; init; }

    /// <summary>How precisely A and B are multiplied: no matter here, but for the error bound and the plain computation.</summary>
    public InputPrecision InputPrecision { get; init; }

    /// <summary>A zero of A hides the element of B that it meets, whatever that holds.</summary>
    public bool ZeroHides { get; init; }

    /// <summary>Entries of the batch of A and C.</summary>
    public int Batch => A.Shape[0];

    /// <summary>Rows of C.</summary>
    public int M => A.Shape[TransposeA ? 2 : 1];

    /// <summary>Columns of C.</summary>
    public int N => B.Shape[TransposeB ? 1 : 2];

    /// <summary>Length of a dot product.</summary>
    public int K => A.Shape[TransposeA ? 1 : 2];

    /// <summary>A[b] at row <paramref name="row"/>, column <paramref name="k"/> of the untransposed matrix.</summary>
    public float ElementA(int b, int row, int k) =>
        TransposeA ? A.Values[(((b * K) + k) * M) + row] : A.Values[(((b * M) + row) * K) + k];

    /// <summary>The B that batch entry <paramref name="b"/> of A multiplies; the inner batch is a multiple of
    /// <see cref="GroupB"/>.</summary>
    public float ElementB(int b, int k, int column)
    {
        int entry = b / GroupB;
        return TransposeB ? B.Values[(((entry * N) + column) * K) + k] : B.Values[(((entry * K) + k) * N) + column];
    }

    /// <summary>
    /// What f is applied to for element (<paramref name="row"/>, <paramref name="column"/>) of C[b], in double;
    /// <paramref name="magnitude"/> is
    /// |alpha| sum |a||b| + |beta c0| + |bias|, what its rounding error is relative to.
    /// </summary>
    public double Element(int b, int row, int column, out double magnitude)
    {
        double sum = 0, sumOfMagnitudes = 0;
        for (int k = 0; k < K; k++)
        {
            float a = ElementA(b, row, k);
            if (ZeroHides && a == 0) continue;
            double product = (double)a * ElementB(b, k, column);
            sum += product;
            sumOfMagnitudes += Math.Abs(product);
        }
        double value = Alpha * sum;
        magnitude = Math.Abs(Alpha) * sumOfMagnitudes;
        if (C0 is not null)
        {
            double c0 = (double)Beta * C0.Values[(((b * M) + row) * N) + column];
            value += c0;
            magnitude += Math.Abs(c0);
        }
        if (Bias is not null)
        {
            value += Bias.Values[column];
            magnitude += Math.Abs(Bias.Values[column]);
        }
        return value;
    }
}
