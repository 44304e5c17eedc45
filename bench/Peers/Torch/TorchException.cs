namespace AttnKernels.Bench.Peers.Torch;

/// <summary>An error that PyTorch reported.</summary>
internal sealed class TorchException(string message) : Exception(message);
