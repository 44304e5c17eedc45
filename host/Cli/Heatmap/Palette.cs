namespace AttnKernels.Cli.Heatmap;

/// <summary>
/// From a weight in 0..1 to a colour: dark blue over green to yellow, of steadily rising lightness, readable by the colour-blind.
/// </summary>
internal static class Palette
{
    // Samples of matplotlib's viridis, at equal distances.
    private static readonly (byte R, byte G, byte B)[] Stops =
    [
        (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137), (53, 183, 121), (109, 205, 89),
        (180, 222, 44),
        (253, 231, 37),
    ];

    public static (byte R, byte G, byte B) At(double t)
    {
        double position = Math.Clamp(double.IsNaN(t) ? 0 : t, 0, 1) * (Stops.Length - 1);
        int low = Math.Min((int)position, Stops.Length - 2);
        double mix = position - low;
        return (Mix(Stops[low].R, Stops[low + 1].R, mix), Mix(Stops[low].G, Stops[low + 1].G, mix),
            Mix(Stops[low].B, Stops[low + 1].B, mix));
    }

    /// <summary>The colours as an SVG gradient from bottom to top.</summary>
    public static string Gradient(string id)
    {
        string stops = string.Concat(
            Stops.Select((c, i) => $"<stop offset=\"{i * 100 / (Stops.Length - 1)}%\" stop-color=\"rgb({c.R},{c.G},{c.B})\"/>"));
        return $"<linearGradient id=\"{id}\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">{stops}</linearGradient>";
    }

    private static byte Mix(byte a, byte b, double mix) => (byte)Math.Round(a + ((b - a) * mix));
}
