namespace AttnKernels;

/// <summary>Which kernel API this build of the library was compiled against.</summary>
public static class KernelApi
{
#if KERNEL_API_ILGPU
    /// <summary>"Ilgpu" or "Simulator".</summary>
    public const string Name = "Ilgpu";

    /// <summary>The devices that this build can reach, and those that it leaves out.</summary>
    public const string Reach = "cpu, cuda:N, opencl:N and ilgpu-cpu; the simulator needs a build with -p:KernelApi=Simulator";
#else
    /// <summary>"Ilgpu" or "Simulator".</summary>
    public const string Name = "Simulator";

    /// <summary>The devices that this build can reach, and those that it leaves out.</summary>
    public const string Reach =
        "cpu and simulator; cuda:N, opencl:N and ilgpu-cpu need a build with the ILGPU package (-p:KernelApi=Ilgpu)";
#endif
}
