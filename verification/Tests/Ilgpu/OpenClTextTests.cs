using AttnKernels.Devices.Ilgpu;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>The edit of OpenCL C text, on text: no device is needed.</summary>
public sealed class OpenClTextTests
{
    [Theory]
    [InlineData("  work_group_barrier(CLK_GLOBAL_MEM_FENCE);", "  work_group_barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);")]
    [InlineData("barrier ( CLK_GLOBAL_MEM_FENCE ) ;", "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE) ;")]
    [InlineData(
        "work_group_barrier(CLK_GLOBAL_MEM_FENCE, memory_scope_device);",
        "work_group_barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE, memory_scope_device);")]
    public void ABarrierOrdersBothMemories(string written, string edited) =>
        OpenClText.OrderLocalMemory($"{{\n{written}\n{written}\n}}").Should().Be($"{{\n{edited}\n{edited}\n}}");

    [Theory]
    [InlineData("work_group_barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);")]
    [InlineData("work_group_barrier(CLK_LOCAL_MEM_FENCE);")]
    [InlineData("atomic_work_item_fence(CLK_GLOBAL_MEM_FENCE, memory_order_seq_cst, memory_scope_device);")]
    [InlineData("my_barrier(CLK_GLOBAL_MEM_FENCE);")]
    public void AllElseStays(string source) => OpenClText.OrderLocalMemory(source).Should().Be(source);
}
