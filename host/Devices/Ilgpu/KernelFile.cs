using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using AttnKernels.Kernels;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// A compiled kernel as a file: magic, version, key, dynamic shared bytes, text, and the SHA-256 of all of it. One that differs in anything
/// is not read.
/// </summary>
internal static class KernelFile
{
    private const string Magic = "AttnKernels module";
    private const int Version = 1;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// All that the compiled text depends on but the device: the kernel, and every build of an assembly that takes part: this library's,
    /// ILGPU's, and those that a caller's own type arguments come from.
    /// </summary>
    public static string Key(KernelEntry entry)
    {
        SortedSet<string> builds = new(StringComparer.Ordinal);
        AddBuilds(typeof(KernelFile).Assembly, builds);
        AddBuilds(entry.Method.Module.Assembly, builds);
        foreach (Type argument in Arguments(entry.Method)) AddBuilds(argument.Assembly, builds);
        return string.Join(
            '\n',
            entry.Name, entry.Method.DeclaringType?.FullName, entry.Method, entry.GroupSize, entry.SharedBytes,
            entry.GroupsPerMultiprocessor, string.Join('\n', builds));
    }

    /// <summary>The name of the file of that key.</summary>
    public static string Name(string key) => Convert.ToHexString(SHA256.HashData(Utf8.GetBytes(key))) + CacheFolder.Kernel;

    public static byte[] Format(string key, KernelText kernel)
    {
        MemoryStream body = new();
        using BinaryWriter writer = new(body, Utf8);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(key);
        writer.Write(kernel.DynamicSharedBytes);
        writer.Write(kernel.Text);
        writer.Write(SHA256.HashData(body.ToArray()));
        return body.ToArray();
    }

    /// <summary>The kernel of a file; null where it is not whole, or another key's.</summary>
    public static KernelText? Parse(byte[] file, string key)
    {
        int end = file.Length - SHA256.HashSizeInBytes;
        if (end < 0 || !SHA256.HashData(file.AsSpan(0, end)).AsSpan().SequenceEqual(file.AsSpan(end))) return null;
        try
        {
            using BinaryReader reader = new(new MemoryStream(file, 0, end), Utf8);
            if (reader.ReadString() != Magic || reader.ReadInt32() != Version || reader.ReadString() != key) return null;
            int sharedBytes = reader.ReadInt32();
            KernelText kernel = new(reader.ReadString(), sharedBytes);
            return reader.BaseStream.Position == end ? kernel : null;
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The type arguments of a method and of its class, and theirs.</summary>
    private static IEnumerable<Type> Arguments(MethodInfo method)
    {
        Stack<Type> open = new([.. method.GetGenericArguments(), .. method.DeclaringType?.GetGenericArguments() ?? []]);
        while (open.TryPop(out Type? type))
        {
            yield return type;
            foreach (Type argument in type.GetGenericArguments()) open.Push(argument);
        }
    }

    /// <summary>
    /// Adds the module version, new with every build, of an assembly and of those it refers to, the framework's left out.
    /// </summary>
    private static void AddBuilds(Assembly assembly, SortedSet<string> builds)
    {
        if (IsFramework(assembly.GetName()) || !builds.Add($"{assembly.GetName().Name} {assembly.ManifestModule.ModuleVersionId}")) return;
        foreach (AssemblyName reference in assembly.GetReferencedAssemblies())
        {
            if (IsFramework(reference)) continue;
            try
            {
                AddBuilds(Assembly.Load(reference), builds);
            }
            catch (IOException)
            {
                builds.Add(reference.FullName); // not deployed, so no part of a kernel
            }
        }
    }

    private static bool IsFramework(AssemblyName name) =>
        name.Name is "mscorlib" or "netstandard" || (name.Name ?? "").StartsWith("System", StringComparison.Ordinal);
}
