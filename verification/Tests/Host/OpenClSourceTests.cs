#if KERNEL_API_ILGPU
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Tests.Host;

public class OpenClSourceTests
{
    [Fact]
    public void Barriers_order_shared_memory()
    {
        Assert.SkipUnless(AttentionDevice.List().Any(d => d.Name == "opencl:0"), "there is no OpenCL device");
        using AttentionDevice device = AttentionDevice.Open("opencl:0");
        CLAccelerator accelerator = (CLAccelerator)((IlgpuDevice)device.Backend).Accelerator;
        KernelEntry entry = KernelCatalog.All.First(e => e.Name.Contains("Tiled", StringComparison.Ordinal));

        string source = OpenClSource.Compile(accelerator, entry).Source;

        source.Should().Contain("CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE").And.NotContain("( CLK_GLOBAL_MEM_FENCE");
    }
}
#endif
