using System.Globalization;

namespace AttnKernels.Bench.Report;

/// <summary>Numbers as reports show them.</summary>
internal static class Format
{
    private const string Nothing = "-";

    /// <summary>Three significant digits without an exponent.</summary>
    public static string Number(double? value)
    {
        if (value is not { } v) return Nothing;
        if (v == 0) return "0";
        int decimals = Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(v))), 0, 6);
        return v.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    /// <summary>A whole number.</summary>
    public static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A whole percentage.</summary>
    public static string Percent(double? value) => value is { } v ? v.ToString("F0", CultureInfo.InvariantCulture) + " %" : Nothing;

    /// <summary>"1.23x".</summary>
    public static string Times(double? value) =>
        value is { } v ? v.ToString(v < 10 ? "F2" : "F0", CultureInfo.InvariantCulture) + "x" : Nothing;

    /// <summary>"median (p20 .. p80)" in milliseconds.</summary>
    public static string Spread(BenchRecord r) => $"{Number(r.MedianMs)} ({Number(r.P20Ms)} .. {Number(r.P80Ms)})";
}
