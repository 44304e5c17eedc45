using System.Globalization;
using System.Net;
using System.Text;

namespace AttnKernels.Cli.Heatmap;

/// <summary>Attention weights as one self-contained HTML page: a panel a head, queries downwards, keys to the right.</summary>
internal static class HeatmapPage
{
    private const int PanelPixels = 360;
    private const int Margin = 64;
    private const int MostLabels = 40;

    /// <param name="title">Heading.</param>
    /// <param name="weights">A panel for each batch entry and head; each row sums to 1, or to 0 where it sees nothing.</param>
    /// <param name="tokens">Labels of both axes; null = positions.</param>
    public static string Render(string title, HeatmapWeights weights, string[]? tokens)
    {
        (int batch, int heads, int seqQ, int seqKv, float[] values) = weights;
        StringBuilder page = new();
        page.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>").Append(WebUtility.HtmlEncode(title))
            .Append("</title><style>");
        page.Append("body{font:14px system-ui,sans-serif;margin:24px;background:#fff;color:#1b1b1f}h1{font-size:20px}");
        page.Append("main{display:flex;flex-wrap:wrap;gap:16px}svg{background:#fff}text{font:11px system-ui,sans-serif;fill:#1b1b1f}");
        page.Append(".t{font-weight:600;font-size:13px}@media(prefers-color-scheme:dark){body,svg{background:#16161a;color:#e8e8ea}");
        page.Append("text{fill:#e8e8ea}}");
        page.Append("</style></head><body><h1>").Append(WebUtility.HtmlEncode(title))
            .Append("</h1><p>P = softmax(score(Q K<sup>T</sup>)): ");
        if (batch > 1) page.Append(CultureInfo.InvariantCulture, $"{batch} batch entries, ");
        page.Append(CultureInfo.InvariantCulture, $"{heads} head{(heads == 1 ? "" : "s")}, {seqQ} queries (down), {seqKv} keys (right). ");
        page.Append("Each panel's colours run from 0 to its own largest weight.</p><main>");
        for (int n = 0; n < batch * heads; n++)
        {
            string name = batch == 1 ? $"head {n}" : $"batch {n / heads}, head {n % heads}";
            Panel(page, n, name, values.AsSpan(n * seqQ * seqKv, seqQ * seqKv), seqQ, seqKv, tokens);
        }
        return page.Append("</main></body></html>\n").ToString();
    }

    private static void Panel(
        StringBuilder page, int panel, string name, ReadOnlySpan<float> weights, int seqQ, int seqKv, string[]? tokens)
    {
        double cell = (double)PanelPixels / Math.Max(seqQ, seqKv);
        double width = cell * seqKv, height = cell * seqQ;
        float largest = 0;
        foreach (float weight in weights) largest = Math.Max(largest, weight);
        page.Append(CultureInfo.InvariantCulture,
            $"<svg width=\"{width + Margin + 70:0}\" height=\"{height + Margin + 24:0}\" role=\"img\">");
        page.Append("<defs>").Append(Palette.Gradient($"g{panel}")).Append("</defs>");
        page.Append(CultureInfo.InvariantCulture, $"<text class=\"t\" x=\"{Margin}\" y=\"14\">{name}</text>");
        page.Append(CultureInfo.InvariantCulture, $"<image x=\"{Margin}\" y=\"24\" width=\"{width:0.##}\" height=\"{height:0.##}\" ");
        page.Append("preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64,");
        page.Append(Convert.ToBase64String(Pixels(weights, seqQ, seqKv, largest))).Append("\"/>");

        int every = Math.Max(1, (Math.Max(seqQ, seqKv) + MostLabels - 1) / MostLabels);
        for (int i = 0; i < seqQ; i += every)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<text x=\"{Margin - 4}\" y=\"{24 + ((i + 0.5) * cell) + 3:0.#}\" text-anchor=\"end\">");
            page.Append(Label(tokens, i)).Append("</text>");
        }
        for (int j = 0; j < seqKv; j += every)
        {
            double x = Margin + ((j + 0.5) * cell) + 3;
            double y = 24 + height + 6;
            page.Append(CultureInfo.InvariantCulture, $"<text transform=\"translate({x:0.#},{y:0.#}) rotate(-90)\" text-anchor=\"end\">");
            page.Append(Label(tokens, j)).Append("</text>");
        }

        double bar = Margin + width + 12;
        page.Append(CultureInfo.InvariantCulture,
            $"<rect x=\"{bar:0.#}\" y=\"24\" width=\"12\" height=\"{height:0.#}\" fill=\"url(#g{panel})\"/>");
        page.Append(CultureInfo.InvariantCulture, $"<text x=\"{bar + 16:0.#}\" y=\"33\">{largest:0.##}</text>");
        page.Append(CultureInfo.InvariantCulture, $"<text x=\"{bar + 16:0.#}\" y=\"{24 + height:0.#}\">0</text></svg>");
    }

    private static byte[] Pixels(ReadOnlySpan<float> weights, int rows, int columns, float largest)
    {
        byte[] rgb = new byte[rows * columns * 3];
        for (int n = 0; n < weights.Length; n++)
            (rgb[3 * n], rgb[(3 * n) + 1], rgb[(3 * n) + 2]) = Palette.At(largest == 0 ? 0 : weights[n] / largest);
        return PngImage.Encode(columns, rows, rgb);
    }

    private static string Label(string[]? tokens, int position) =>
        tokens is null ? position.ToString(CultureInfo.InvariantCulture) : WebUtility.HtmlEncode(tokens[position]);
}
