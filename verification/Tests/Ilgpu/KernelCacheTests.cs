using System.Diagnostics;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>A kept kernel comes back without the compiler; whatever is wrong with its file is compiled again and replaced.</summary>
public sealed class KernelCacheTests : IDisposable
{
    private static readonly KernelText Kernel = new("// text of a kernel\n", 70000);

    private readonly string folder = Directory.CreateTempSubdirectory("attn-cache").FullName;
    private int compilations;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void AHitDoesNotCompile()
    {
        Get("key").Should().Be(Kernel);
        Get("key").Should().Be(Kernel);
        compilations.Should().Be(1);
        Directory.GetFiles(folder).Should().ContainSingle("no temporary file stays");
    }

    [Fact]
    public void EveryByteIsGuardedAndADamagedEntryReplaced()
    {
        Get("key");
        string path = Directory.GetFiles(folder).Single();
        byte[] good = File.ReadAllBytes(path);
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= 1;
            Replaces(path, bad, good, $"byte {i} is damaged");
            Replaces(path, good[..i], good, $"it ends after {i} bytes");
        }
        Replaces(path, [.. good, 0], good, "something follows");
    }

    [Fact]
    public void AnEntryOfAnotherKeyIsNotTaken()
    {
        Get("foreign");
        string foreign = Directory.GetFiles(folder).Single();
        Get("key");
        string path = Directory.GetFiles(folder).Single(file => file != foreign);
        Replaces(path, File.ReadAllBytes(foreign), File.ReadAllBytes(path), "it is another kernel's");
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsNoError()
    {
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        KernelCache cache = new(new CacheFolder(Path.Combine(file, "below")));
        cache.Get("key", Compile).Should().Be(Kernel);
        cache.Get("key", Compile).Should().Be(Kernel);
        compilations.Should().Be(2);
    }

    [Fact]
    public void WritersAtOnceLeaveOneWholeEntry()
    {
        Parallel.For(0, 64, _ => new KernelCache(new CacheFolder(folder)).Get("key", () => Kernel).Should().Be(Kernel));
        Directory.GetFiles(folder).Should().ContainSingle();
        Get("key");
        compilations.Should().Be(0);
    }

    [Fact]
    public void TheKeyTellsKernelsDevicesAndDriversApart()
    {
        DeviceInfo device = new("cuda:0", "GPU", DeviceKind.Cuda) { Architecture = "SM_90, driver 12.4" };
        KernelCatalog.All.Select(entry => KernelCache.Key(entry, device)).Should().OnlyHaveUniqueItems();
        KernelEntry first = KernelCatalog.All[0];
        string key = KernelCache.Key(first, device);
        KernelCache.Key(first, device with { Architecture = "SM_90, driver 12.5" }).Should().NotBe(key);
        KernelCache.Key(first, device with { Description = "Other" }).Should().NotBe(key);
        KernelCache.Key(first, device with { Name = "cuda:1" }).Should().Be(key, "the same device elsewhere runs the same code");
    }

    [Fact]
    public void TheKeyHoldsTheBuildsOfAllThatIsCompiled()
    {
        DeviceInfo device = new("cuda:0", "GPU", DeviceKind.Cuda);
        string own = KernelCache.Key(KernelCatalog.All[0], device);
        foreach (Type type in (Type[])[typeof(DeviceInfo), typeof(IElement<>), typeof(KeyBand), typeof(Context), typeof(XMath)])
            own.Should().Contain(type.Module.ModuleVersionId.ToString());
        string mine = typeof(KernelCacheTests).Module.ModuleVersionId.ToString();
        own.Should().NotContain(mine);
        KernelCache.Key(new KernelEntry<int>("own", Nothing<List<Own>>, 1, 0), device).Should().Contain(mine);
    }

    [Fact]
    public void ARealKernelComesBackUnchanged()
    {
        PtxCompiler compiler = new();
        KernelEntry entry = KernelCatalog.All.First(e => e.Name.StartsWith("FlashForward", StringComparison.Ordinal));
        KernelCache cache = new(new CacheFolder(folder));
        long start = Stopwatch.GetTimestamp();
        KernelText made = cache.Get("key", () => compiler.Compile(entry));
        TimeSpan compiling = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        cache.Get("key", () => throw new InvalidOperationException("compiled again")).Should().Be(made);
        TestContext.Current.SendDiagnosticMessage($"{entry.Name}: compiled {compiling}, read {Stopwatch.GetElapsedTime(start)}");
    }

    private static void Nothing<T>(int args)
    {
    }

    private KernelText Get(string key) => new KernelCache(new CacheFolder(folder)).Get(key, Compile);

    private KernelText Compile()
    {
        compilations++;
        return Kernel;
    }

    private void Replaces(string path, byte[] bad, byte[] good, string because)
    {
        File.WriteAllBytes(path, bad);
        int before = compilations;
        Get("key").Should().Be(Kernel, because);
        compilations.Should().Be(before + 1, because);
        File.ReadAllBytes(path).Should().Equal(good, because);
    }

    private readonly struct Own;
}
