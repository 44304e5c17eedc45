namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>A model with the tensors it is to run on.</summary>
/// <param name="Model">The ONNX file.</param>
/// <param name="Inputs">In any order.</param>
/// <param name="Outputs">The result first.</param>
/// <param name="Read">Turns the result's memory into the workload's layout.</param>
internal sealed record OrtGraph(
    byte[] Model, IReadOnlyList<OrtTensor> Inputs, IReadOnlyList<OrtTensor> Outputs, Func<float[], float[]> Read)
{
    /// <summary>Builds the model from <paramref name="nodes"/>, with graph inputs and outputs declared as the tensors are.</summary>
    public static OrtGraph Of(
        Func<OnnxModel, OnnxModel> nodes, OrtTensor[] inputs, OrtTensor[] outputs, Func<float[], float[]>? read = null)
    {
        var model = new OnnxModel();
        foreach (OrtTensor tensor in inputs) model.Input(tensor.Name, tensor.Type, tensor.Shape);
        foreach (OrtTensor tensor in outputs) model.Output(tensor.Name, tensor.Type, tensor.Shape);
        return new OrtGraph(nodes(model).ToArray(), inputs, outputs, read ?? (values => values));
    }
}
