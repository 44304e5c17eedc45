namespace AttnKernels.Verification;

/// <summary>What an output must hold, and how far each of its elements may be off.</summary>
public sealed class Expected
{
    private readonly int[]? rows;
    private readonly int rowLength;

    /// <summary>Zeros, to be filled in, for every row of an output of <paramref name="shape"/>, or for those named by
    /// <paramref name="rows"/>.</summary>
    /// <param name="name">The tensor's name in reports.</param>
    /// <param name="shape">Sizes of the output, outermost first.</param>
    /// <param name="rowLength">How many consecutive elements make a row.</param>
    /// <param name="rows">Row-major indices of the rows that are checked; null = all.</param>
    public Expected(string name, int[] shape, int rowLength, int[]? rows = null)
    {
        (Name, Shape, this.rowLength, this.rows) = (name, shape, rowLength, rows);
        int count = rows is null ? HostTensor.Count(shape) : rows.Length * rowLength;
        (Values, Bounds) = (new double[count], new double[count]);
    }

    /// <summary>The tensor's name in reports.</summary>
    public string Name { get; }

    /// <summary>Sizes of the output, outermost first.</summary>
    public int[] Shape { get; }

    /// <summary>In double; -inf and NaN where the contract says so. The rows that are checked, one after the other.</summary>
    public double[] Values { get; }

    /// <summary>Absolute, per element of <see cref="Values"/>.</summary>
    public double[] Bounds { get; }

    /// <summary>Where element <paramref name="n"/> of <see cref="Values"/> lies in the output.</summary>
    public long OffsetOf(int n) => rows is null ? n : ((long)rows[n / rowLength] * rowLength) + (n % rowLength);
}

/// <summary>The three results of attention: <see cref="O"/>, <see cref="Lse"/> and the weights <see cref="P"/> (or null).</summary>
public sealed record ExpectedAttention(Expected O, Expected Lse, Expected? P);

/// <summary>The two results of softmax.</summary>
public sealed record ExpectedSoftmax(Expected Y, Expected Lse);
