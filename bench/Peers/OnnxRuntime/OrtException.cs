namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>An error that ONNX Runtime reported.</summary>
internal sealed class OrtException(string message) : Exception(message);
