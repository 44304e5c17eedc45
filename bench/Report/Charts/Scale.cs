using System.Globalization;

namespace AttnKernels.Bench.Report.Charts;

/// <summary>Maps values to pixels, linearly or by their logarithm.</summary>
internal readonly record struct Scale(double Low, double High, double PixelLow, double PixelHigh, bool Logarithmic)
{
    /// <summary>The pixel of <paramref name="value"/>; values outside are clamped to the ends.</summary>
    public double At(double value)
    {
        double fraction = Logarithmic
            ? Math.Log(Math.Max(value, Low) / Low) / Math.Log(High / Low)
            : (value - Low) / (High - Low);
        return PixelLow + Math.Clamp(fraction, 0, 1) * (PixelHigh - PixelLow);
    }

    /// <summary>
    /// Round numbers to label: 1, 2 or 5 times a power of ten on a linear axis, powers of two or ten on a logarithmic one.
    /// </summary>
    public IReadOnlyList<double> Ticks(int about = 6)
    {
        var ticks = new List<double>();
        if (Logarithmic)
        {
            double factor = Math.Log2(High / Low) <= 10 ? 2 : 10;
            for (double t = Math.Pow(factor, Math.Ceiling(Math.Log(Low, factor) - 1e-9)); t <= High * (1 + 1e-9); t *= factor) ticks.Add(t);
            return ticks;
        }
        double raw = (High - Low) / about, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = (raw / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 } * power;
        for (double t = Math.Ceiling(Low / step) * step; t <= High * (1 + 1e-9); t += step) ticks.Add(t);
        return ticks;
    }

    /// <summary>A tick's label.</summary>
    public static string Label(double tick) => tick.ToString(tick >= 1 || tick == 0 ? "0.#" : "0.###", CultureInfo.InvariantCulture);
}
