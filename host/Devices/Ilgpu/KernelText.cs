namespace AttnKernels.Devices.Ilgpu;

/// <summary>What ILGPU translates a kernel to: PTX or OpenCL C with one entry point.</summary>
/// <param name="Text">The module.</param>
/// <param name="DynamicSharedBytes">CUDA: the shared memory that launches ask for beside the static.</param>
internal sealed record KernelText(string Text, int DynamicSharedBytes = 0);
