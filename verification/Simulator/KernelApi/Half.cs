namespace ILGPU;

/// <summary>A 16-bit float of kernels; computes in float and rounds to nearest even.</summary>
public readonly struct Half : IEquatable<Half>, IComparable<Half>
{
    internal Half(System.Half value)
    {
        Value = value;
    }

    internal System.Half Value { get; }

    /// <summary>0.</summary>
    public static readonly Half Zero;

    /// <summary>The value, exactly.</summary>
    public static implicit operator float(Half value) => (float)value.Value;

    /// <summary>The value, exactly.</summary>
    public static implicit operator double(Half value) => (double)value.Value;

    /// <summary>The nearest half.</summary>
    public static explicit operator Half(float value) => new((System.Half)value);

    /// <summary>The nearest half.</summary>
    public static explicit operator Half(double value) => new((System.Half)value);

    /// <summary>The value with the other sign.</summary>
    public static Half operator -(Half value) => new(-value.Value);

    /// <summary>Sum.</summary>
    public static Half operator +(Half first, Half second) => (Half)((float)first + (float)second);

    /// <summary>Difference.</summary>
    public static Half operator -(Half first, Half second) => (Half)((float)first - (float)second);

    /// <summary>Product.</summary>
    public static Half operator *(Half first, Half second) => (Half)((float)first * (float)second);

    /// <summary>Quotient.</summary>
    public static Half operator /(Half first, Half second) => (Half)((float)first / (float)second);

    /// <summary>Equality of the values; NaN equals nothing.</summary>
    public static bool operator ==(Half first, Half second) => first.Value == second.Value;

    /// <summary>Inequality of the values; NaN differs from everything.</summary>
    public static bool operator !=(Half first, Half second) => first.Value != second.Value;

    /// <summary>Order of the values.</summary>
    public static bool operator <(Half first, Half second) => first.Value < second.Value;

    /// <summary>Order of the values.</summary>
    public static bool operator >(Half first, Half second) => first.Value > second.Value;

    /// <summary>Order of the values.</summary>
    public static bool operator <=(Half first, Half second) => first.Value <= second.Value;

    /// <summary>Order of the values.</summary>
    public static bool operator >=(Half first, Half second) => first.Value >= second.Value;

    /// <inheritdoc/>
    public bool Equals(Half other) => this == other;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Half other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(Half other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}
