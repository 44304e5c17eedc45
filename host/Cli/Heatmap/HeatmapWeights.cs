using AttnKernels.Onnx;
using AttnKernels.Verification;

namespace AttnKernels.Cli.Heatmap;

/// <summary>What a heat map shows: the weights P (batch, heads, seqQ, seqKv), row-major.</summary>
internal sealed record HeatmapWeights(int Batch, int Heads, int SeqQ, int SeqKv, float[] Values)
{
    private const string Scale = "scale", Output = "qk_matmul_output_mode";
    private const long Weights = 3;
    private const int WeightsOutput = 3;

    /// <summary>softmax(scale Q K^T) of one batch entry.</summary>
    /// <exception cref="InvalidDataException">Q and K do not fit each other.</exception>
    public static HeatmapWeights Of(AttentionDevice device, HeadTensorFile q, HeadTensorFile k, float? scale, bool causal)
    {
        if (q.HeadDim != k.HeadDim) throw new InvalidDataException($"Q has rows of {q.HeadDim} elements, K of {k.HeadDim}.");
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
        return new HeatmapWeights(1, q.Heads, q.Seq, k.Seq, weights.ToFloats());
    }

    /// <summary>The weights of the Attention node in <paramref name="folder"/>, with all its attributes and inputs.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="folder">Holds model.onnx and test_data_set_0.</param>
    /// <param name="scale">Instead of the node's own.</param>
    /// <exception cref="InvalidDataException">It is no folder of a single Attention node.</exception>
    /// <exception cref="NotSupportedException">The library has no kernel for the node.</exception>
    public static HeatmapWeights OfNode(AttentionDevice device, string folder, float? scale)
    {
        string model = Path.Combine(folder, "model.onnx");
        if (!File.Exists(model)) throw new InvalidDataException($"{folder} is not a folder with a model.onnx; or give two .npy files.");
        (OnnxReader.Graph graph, long opset) = OnnxReader.Model(File.ReadAllBytes(model));
        if (graph.Nodes is not [{ Operator: "Attention" } node]) throw new InvalidDataException($"{model} is not a single Attention node.");
        Dictionary<string, OnnxTensor> values = ConformanceSuite.Inputs(graph, Path.Combine(folder, "test_data_set_0"));

        Dictionary<string, object> attributes = new(node.Attributes) { [Output] = Weights };
        if (scale is { } given) attributes[Scale] = given;
        OnnxNode call = new(node.Operator, opset, attributes, [true, false, false, true]);
        OnnxTensor weights = OnnxOperators.Run(device, call, ConformanceSuite.InputsOf(node, values))[WeightsOutput]!;
        return new HeatmapWeights(weights.Shape[0], weights.Shape[1], weights.Shape[2], weights.Shape[3], weights.ToFloats());
    }
}
