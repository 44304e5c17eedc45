using System.Text.RegularExpressions;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Edits of the OpenCL C text that ILGPU 1.5.3 writes: what its API cannot ask for.</summary>
internal static partial class OpenClText
{
    /// <summary>
    /// Makes every barrier order local memory, too. ILGPU writes work_group_barrier(CLK_GLOBAL_MEM_FENCE), which the OpenCL C specification
    /// (6.15.8) lets a device take as leaving local memory unordered, and all that the kernels exchange between lanes lies there.
    /// </summary>
    public static string OrderLocalMemory(string source) =>
        GlobalBarrierPattern().Replace(source, "$1(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE$2)");

    // The second group is the memory scope, where one is written.
    [GeneratedRegex(@"\b((?:work_group_)?barrier)\s*\(\s*CLK_GLOBAL_MEM_FENCE\s*(,[^)]*)?\)")]
    private static partial Regex GlobalBarrierPattern();
}
