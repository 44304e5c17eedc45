namespace AttnKernels;

/// <summary>What runs the kernels.</summary>
public enum DeviceKind
{
    /// <summary>This machine's processor through System.Runtime.Intrinsics: the production CPU device.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU through ILGPU.</summary>
    Cuda,

    /// <summary>An OpenCL device through ILGPU.</summary>
    OpenCl,

    /// <summary>ILGPU's CPU accelerator, one thread per lane: for debugging kernels.</summary>
    IlgpuCpu,

    /// <summary>The simulator: runs and checks every lane, for debugging and tuning kernels.</summary>
    Simulator,
}
