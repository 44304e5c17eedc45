using System.Collections.Concurrent;
using System.Reflection;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>The PTX of kernels, each compiled once, when the first test asks for it.</summary>
internal static class CompiledKernels
{
    private static readonly PtxCompiler Compiler = new();
    private static readonly ConcurrentDictionary<MethodInfo, Lazy<KernelText>> Texts = [];
    private static readonly Dictionary<string, KernelEntry> Entries = KernelCatalog.All.ToDictionary(entry => entry.Name);

    /// <summary>The kernel of the catalog that has that name.</summary>
    public static KernelEntry Entry(string name) => Entries[name];

    public static KernelText Get(string name) => Get(Entry(name));

    public static KernelText Get(KernelEntry entry) =>
        Texts.GetOrAdd(entry.Method, _ => new Lazy<KernelText>(() => Compiler.Compile(entry))).Value;
}
