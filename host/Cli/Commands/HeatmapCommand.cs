using System.CommandLine;
using AttnKernels.Cli.Heatmap;
using AttnKernels.Verification;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn heatmap</c>: draws the attention weights of given queries and keys.</summary>
internal static class HeatmapCommand
{
    public static Command Create()
    {
        Argument<string[]> inputs = new("INPUT")
        {
            Description = "Two .npy files, Q and K of (seq, dim), (heads, seq, dim) or (1, heads, seq, dim); "
                + "or the folder of an ONNX Attention node test.",
            Arity = new ArgumentArity(1, 2),
        };
        Option<FileInfo> output = new("--out", "-o")
        {
            Description = "The page to write.", DefaultValueFactory = _ => new FileInfo("heatmap.html"),
        };
        Option<string> tokens = new("--tokens") { Description = "Labels of the positions, separated by spaces." };
        Option<bool> causal = new("--causal") { Description = "Hides the keys after each query (bottom-right)." };
        Option<float?> scale = new("--scale") { Description = "Factor of the dot products. Default: the node's, else 1/sqrt(dim)." };
        Option<string> device = new("--device", "-d") { Description = "A device of 'attn devices'. Default: the best." };
        Command command = new("heatmap", "Draws attention weights: one self-contained HTML page, a panel a head.")
        {
            inputs, output, tokens, causal, scale, device,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(inputs), parsed.GetRequiredValue(output), parsed.GetValue(tokens), parsed.GetValue(causal),
            parsed.GetValue(scale), parsed.GetValue(device)));
        return command;
    }

    private static int Run(string[] inputs, FileInfo output, string? tokens, bool causal, float? scale, string? deviceName)
    {
        if (deviceName is not null && Report.Devices([deviceName]) is null) return Report.Usage;
        return Report.Try(() =>
        {
            using AttentionDevice device = CheckedDevices.Open(deviceName);
            HeatmapWeights weights = Weights(device, inputs, scale, causal);
            string[]? labels = tokens?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (labels is not null && labels.Length < Math.Max(weights.SeqQ, weights.SeqKv))
                throw new InvalidDataException($"--tokens has {labels.Length} labels for {weights.SeqQ} queries and {weights.SeqKv} keys.");
            string title = $"Attention weights: {string.Join(", ", inputs.Select(Path.GetFileName))}";
            File.WriteAllText(output.FullName, HeatmapPage.Render(title, weights, labels));
            string entries = weights.Batch == 1 ? "" : $"{weights.Batch} batch entries of ";
            Console.WriteLine($"{output.FullName}: {entries}{weights.Heads} heads, {weights.SeqQ} x {weights.SeqKv}");
            return Report.Success;
        });
    }

    private static HeatmapWeights Weights(AttentionDevice device, string[] inputs, float? scale, bool causal)
    {
        if (inputs.Length == 2)
            return HeatmapWeights.Of(device, HeadTensorFile.ReadNpy(inputs[0]), HeadTensorFile.ReadNpy(inputs[1]), scale, causal);
        if (causal) throw new ArgumentException("--causal is for two .npy files; a node's own is_causal says whether it is causal.");
        return HeatmapWeights.OfNode(device, inputs[0], scale);
    }
}
