using System.CommandLine;
using AttnKernels.Cli.Heatmap;
using AttnKernels.Onnx;
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
        try
        {
            (HeadTensorFile q, HeadTensorFile k, float? nodeScale) = Read(inputs);
            string[]? labels = tokens?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (labels is not null && labels.Length < Math.Max(q.Seq, k.Seq))
                throw new InvalidDataException($"--tokens has {labels.Length} labels for {q.Seq} queries and {k.Seq} keys.");
            float[] weights = Weights(deviceName, q, k, scale ?? nodeScale, causal);
            string title = $"Attention weights: {string.Join(", ", inputs.Select(Path.GetFileName))}";
            File.WriteAllText(output.FullName, HeatmapPage.Render(title, weights, q.Heads, q.Seq, k.Seq, labels));
            Console.WriteLine($"{output.FullName}: {q.Heads} heads, {q.Seq} x {k.Seq}");
            return Report.Success;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ArgumentException or NotSupportedException)
        {
            Console.Error.WriteLine(e.Message);
            return Report.Usage;
        }
    }

    private static (HeadTensorFile Q, HeadTensorFile K, float? Scale) Read(string[] inputs)
    {
        if (inputs.Length == 2) return (HeadTensorFile.ReadNpy(inputs[0]), HeadTensorFile.ReadNpy(inputs[1]), null);
        string model = Path.Combine(inputs[0], "model.onnx");
        if (!File.Exists(model)) throw new InvalidDataException($"{inputs[0]} is not a folder with a model.onnx; or give two .npy files.");
        (OnnxReader.Graph graph, _) = OnnxReader.Model(File.ReadAllBytes(model));
        if (graph.Nodes is not [{ Operator: "Attention" } node]) throw new InvalidDataException($"{model} is not a single Attention node.");
        float? scale = node.Attributes.TryGetValue("scale", out object? value) ? (float)value : null;
        return (Tensor("input_0.pb"), Tensor("input_1.pb"), scale);

        HeadTensorFile Tensor(string file)
        {
            OnnxTensor tensor = OnnxReader.Tensor(File.ReadAllBytes(Path.Combine(inputs[0], "test_data_set_0", file))).Tensor;
            return HeadTensorFile.Of(file, tensor.Shape, tensor.ToFloats());
        }
    }

    private static float[] Weights(string? deviceName, HeadTensorFile q, HeadTensorFile k, float? scale, bool causal)
    {
        if (q.HeadDim != k.HeadDim) throw new InvalidDataException($"Q has rows of {q.HeadDim} elements, K of {k.HeadDim}.");
        using AttentionDevice device = AttentionDevice.Open(deviceName);
        AttentionProblem problem = new()
        {
            Batch = 1, HeadsQ = q.Heads, HeadsKv = k.Heads, SeqQ = q.Seq, SeqKv = k.Seq, HeadDim = q.HeadDim, Scale = scale,
            Causal = causal ? CausalMask.BottomRight : CausalMask.None, Weights = true,
        };
        using AttentionPlan plan = device.Plan(problem);
        using DeviceTensor deviceQ = device.Upload(q.Values, 1, q.Heads, q.Seq, q.HeadDim);
        using DeviceTensor deviceK = device.Upload(k.Values, 1, k.Heads, k.Seq, k.HeadDim);
        using DeviceTensor output = device.Allocate(DType.Float32, 1, q.Heads, q.Seq, q.HeadDim);
        using DeviceTensor weights = device.Allocate(DType.Float32, 1, q.Heads, q.Seq, k.Seq);

        // The weights do not depend on V; K stands in for it.
        plan.Run(new AttentionTensors { Q = deviceQ, K = deviceK, V = deviceK, O = output, Weights = weights });
        return weights.ToFloats();
    }
}
