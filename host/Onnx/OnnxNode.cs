namespace AttnKernels.Onnx;

/// <summary>One node of an ONNX graph: what is computed, of which version, with which attributes.</summary>
/// <param name="Operator">op_type.</param>
/// <param name="Opset">Version of the default domain that the model imports.</param>
/// <param name="Attributes">long, float, string, or arrays of long and float.</param>
/// <param name="Outputs">For each declared output, whether the graph wants it.</param>
internal sealed record OnnxNode(string Operator, long Opset, IReadOnlyDictionary<string, object> Attributes, IReadOnlyList<bool> Outputs)
{
    public long Integer(string name, long missing) => Attributes.TryGetValue(name, out object? value) ? (long)value : missing;

    public float? Float(string name) => Attributes.TryGetValue(name, out object? value) ? (float)value : null;

    public string Text(string name, string missing) => Attributes.TryGetValue(name, out object? value) ? (string)value : missing;

    public bool Wants(int output) => output < Outputs.Count && Outputs[output];
}

/// <summary>Runs one ONNX node on tensors of the host through the library.</summary>
internal static class OnnxOperators
{
    /// <summary>The outputs that the node wants; null in the places of others.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="node">The node.</param>
    /// <param name="inputs">In the operator's order; null where an optional input is left out.</param>
    /// <exception cref="NotSupportedException">There is no kernel for it; says why.</exception>
    /// <exception cref="ArgumentException">The operator's specification forbids these inputs.</exception>
    public static OnnxTensor?[] Run(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs) => node.Operator switch
    {
        "Attention" => OnnxAttentionNode.Run(device, node, inputs),
        "MatMul" => [OnnxPlainNodes.MatMul(device, inputs[0]!, inputs[1]!)],
        "Softmax" => [OnnxPlainNodes.Softmax(device, node, inputs[0]!, log: false)],
        "LogSoftmax" => [OnnxPlainNodes.Softmax(device, node, inputs[0]!, log: true)],
        "RotaryEmbedding" => [OnnxPlainNodes.RotaryEmbedding(device, node, inputs)],
        "TensorScatter" => [OnnxPlainNodes.TensorScatter(device, node, inputs)],
        _ => throw new NotSupportedException(
            $"{node.Operator} has no kernel; Attention, MatMul, Softmax, LogSoftmax, RotaryEmbedding and TensorScatter have."),
    };
}
