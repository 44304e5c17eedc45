namespace ILGPU;

/// <summary>A one-dimensional index.</summary>
public readonly record struct Index1D(int X)
{
    /// <summary>0.</summary>
    public static readonly Index1D Zero = new(0);

    /// <summary>1.</summary>
    public static readonly Index1D One = new(1);

    /// <summary>-1.</summary>
    public static readonly Index1D Invalid = new(-1);

    /// <summary>Number of elements of this extent.</summary>
    public int Size => X;

    /// <summary>True at 0.</summary>
    public bool IsFirst => X == 0;

    /// <summary>True if 0 &lt;= index &lt; dimension.</summary>
    public bool InBounds(Index1D dimension) => X >= 0 & X < dimension.X;

    /// <summary>The index.</summary>
    public static implicit operator int(Index1D index) => index.X;

    /// <summary>An index.</summary>
    public static implicit operator Index1D(int index) => new(index);

    /// <summary>The index, widened.</summary>
    public static implicit operator LongIndex1D(Index1D index) => new(index.X);

    /// <summary>The index, unsigned.</summary>
    public static explicit operator uint(Index1D index) => (uint)index.X;

    /// <summary>Sum.</summary>
    public static Index1D operator +(Index1D first, Index1D second) => new(first.X + second.X);

    /// <summary>Difference.</summary>
    public static Index1D operator -(Index1D first, Index1D second) => new(first.X - second.X);

    /// <summary>Product.</summary>
    public static Index1D operator *(Index1D first, Index1D second) => new(first.X * second.X);

    /// <summary>Quotient, towards zero.</summary>
    public static Index1D operator /(Index1D first, Index1D second) => new(first.X / second.X);

    /// <inheritdoc/>
    public override string ToString() => $"({X})";
}

/// <summary>A one-dimensional 64-bit index.</summary>
public readonly record struct LongIndex1D(long X)
{
    /// <summary>Number of elements of this extent.</summary>
    public long Size => X;

    /// <summary>The index.</summary>
    public static implicit operator long(LongIndex1D index) => index.X;

    /// <summary>An index.</summary>
    public static implicit operator LongIndex1D(long index) => new(index);

    /// <inheritdoc/>
    public override string ToString() => $"({X})";
}

/// <summary>A two-dimensional index.</summary>
public readonly record struct Index2D(int X, int Y)
{
    /// <summary>Both components equal.</summary>
    public Index2D(int value)
        : this(value, value)
    {
    }

    /// <summary>(0, 0).</summary>
    public static readonly Index2D Zero = new(0);

    /// <summary>(1, 1).</summary>
    public static readonly Index2D One = new(1);

    /// <summary>Number of elements of this extent.</summary>
    public int Size => checked(X * Y);

    /// <summary>True if 0 &lt;= index &lt; dimension in both components.</summary>
    public bool InBounds(Index2D dimension) => X >= 0 & X < dimension.X & Y >= 0 & Y < dimension.Y;

    /// <summary>An index of both components.</summary>
    public static implicit operator Index2D((int X, int Y) values) => new(values.X, values.Y);

    /// <summary>Sum by component.</summary>
    public static Index2D operator +(Index2D first, Index2D second) => new(first.X + second.X, first.Y + second.Y);

    /// <summary>Difference by component.</summary>
    public static Index2D operator -(Index2D first, Index2D second) => new(first.X - second.X, first.Y - second.Y);

    /// <summary>Product by component.</summary>
    public static Index2D operator *(Index2D first, Index2D second) => new(first.X * second.X, first.Y * second.Y);

    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y})";
}

/// <summary>A three-dimensional index.</summary>
public readonly record struct Index3D(int X, int Y, int Z)
{
    /// <summary>All components equal.</summary>
    public Index3D(int value)
        : this(value, value, value)
    {
    }

    /// <summary>(0, 0, 0).</summary>
    public static readonly Index3D Zero = new(0);

    /// <summary>(1, 1, 1).</summary>
    public static readonly Index3D One = new(1);

    /// <summary>Number of elements of this extent.</summary>
    public int Size => checked(X * Y * Z);

    /// <summary>Number of elements of this extent, in 64 bits.</summary>
    public long LongSize => (long)X * Y * Z;

    /// <summary>True if 0 &lt;= index &lt; dimension in all components.</summary>
    public bool InBounds(Index3D dimension) =>
        X >= 0 & X < dimension.X & Y >= 0 & Y < dimension.Y & Z >= 0 & Z < dimension.Z;

    /// <summary>An index of all components.</summary>
    public static implicit operator Index3D((int X, int Y, int Z) values) => new(values.X, values.Y, values.Z);

    /// <summary>Sum by component.</summary>
    public static Index3D operator +(Index3D first, Index3D second) =>
        new(first.X + second.X, first.Y + second.Y, first.Z + second.Z);

    /// <summary>Difference by component.</summary>
    public static Index3D operator -(Index3D first, Index3D second) =>
        new(first.X - second.X, first.Y - second.Y, first.Z - second.Z);

    /// <summary>Product by component.</summary>
    public static Index3D operator *(Index3D first, Index3D second) =>
        new(first.X * second.X, first.Y * second.Y, first.Z * second.Z);

    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y}, {Z})";
}
