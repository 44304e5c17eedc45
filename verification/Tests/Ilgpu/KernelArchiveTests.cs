using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>
/// A kernel of the archive is what the compiler would make for the device; whatever is wrong with the archive is as if it were not there.
/// </summary>
public sealed class KernelArchiveTests : IDisposable
{
    private static readonly KernelEntry[] Entries =
    [
        Entry("FusedSoftmax fp32->fp32 16x16 lanes PlainScore"), Entry("FlashForward fp32"), Entry("TensorFlashForward fp16"),
        Entry("TensorMatmul fp16->fp16 128x256"),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("attn-archive").FullName;

    private string FileName => Path.Combine(folder, "kernels.zip");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(8, 0)]
    [InlineData(8, 6)]
    [InlineData(9, 0)]
    [InlineData(12, 0)]
    public void AKernelOfTheArchiveIsWhatTheCompilerMakesForTheDevice(int major, int minor)
    {
        KernelArchive archive = Write(Entries);
        PtxCompiler compiler = new(new CudaArchitecture(major, minor));
        foreach (KernelEntry entry in Entries) archive.Find(entry, major, minor).Should().Be(compiler.Compile(entry), entry.Name);
    }

    [Fact]
    public void TheSameKernelsAreTheSameBytes()
    {
        Write(Entries[..1]);
        byte[] first = File.ReadAllBytes(FileName);
        Write(Entries[..1]);
        File.ReadAllBytes(FileName).Should().Equal(first);
        Directory.GetFiles(folder).Should().ContainSingle("no temporary file stays");
    }

    [Fact]
    public void WhatTheArchiveDoesNotHaveIsNotFound()
    {
        KernelArchive archive = Write(Entries[..1]);
        archive.Find(Entries[0], 8, 0).Should().NotBeNull();
        archive.Find(Entries[0], 7, 5).Should().BeNull("the text names features that the device lacks");
        archive.Find(Entries[1], 8, 0).Should().BeNull();
        archive.Find(Entries[0] with { GroupsPerMultiprocessor = 3 }, 8, 0).Should().BeNull("another kernel of the same name");
        new KernelArchive(Path.Combine(folder, "none.zip")).Find(Entries[0], 8, 0).Should().BeNull();
    }

    [Fact]
    public void ADamagedArchiveGivesTheKernelOrNothing()
    {
        KernelArchive archive = Write(Entries[..1]);
        KernelText kernel = archive.Find(Entries[0], 9, 0)!;
        byte[] good = File.ReadAllBytes(FileName);
        int lost = 0;
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= 1;
            File.WriteAllBytes(FileName, bad);
            KernelText? found = archive.Find(Entries[0], 9, 0);
            if (found is null) lost++;
            else found.Should().Be(kernel, $"byte {i} is damaged");
            if (i % 16 > 0) continue;
            File.WriteAllBytes(FileName, good[..i]);
            archive.Find(Entries[0], 9, 0).Should().BeNull($"it ends after {i} bytes");
        }
        lost.Should().BeGreaterThan(good.Length / 2, "most of the bytes are the kernel's");
    }

    [Fact]
    public void ACancelledWriteLeavesTheOlderArchive()
    {
        Write(Entries[..1]);
        byte[] before = File.ReadAllBytes(FileName);
        Action write = () => new KernelArchive(FileName).Write(Entries, _ => { }, new CancellationToken(canceled: true));
        write.Should().Throw<OperationCanceledException>();
        File.ReadAllBytes(FileName).Should().Equal(before);
        Directory.GetFiles(folder).Should().ContainSingle();
    }

    private static KernelEntry Entry(string name) =>
        KernelCatalog.All.First(entry => entry.Name.StartsWith(name, StringComparison.Ordinal));

    private KernelArchive Write(KernelEntry[] entries)
    {
        KernelArchive archive = new(FileName);
        archive.Write(entries, _ => { }, CancellationToken.None);
        return archive;
    }
}
