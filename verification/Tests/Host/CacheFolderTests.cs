using System.Runtime.Versioning;

namespace AttnKernels.Tests.Host;

/// <summary>The user's cache folder: where it is, what it refuses, what it forgets.</summary>
public sealed class CacheFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("attn-cache").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void TheOptionMovesItAndTurnsItOff()
    {
        CacheFolder.Open(folder).Path.Should().Be(folder);
        CacheFolder off = CacheFolder.Open("off");
        off.Path.Should().BeNull();
        off.Write("a", [1]).Should().BeFalse();
        off.Read("a").Should().BeNull();
    }

    [Fact]
    public void WhatIsWrittenComesBackAndOnlyWhole()
    {
        CacheFolder cache = new(Path.Combine(folder, "made", "by", "the", "cache"));
        cache.Read("a").Should().BeNull();
        cache.Write("a", [1, 2]).Should().BeTrue();
        cache.Write("a", [3]).Should().BeTrue();
        cache.Read("a").Should().Equal(3);
        Directory.GetFiles(cache.Path!).Should().ContainSingle("no temporary file stays");
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    [UnsupportedOSPlatform("windows")]
    public void AFolderThatOthersMayWriteToIsNotUsed(UnixFileMode others)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file modes");
        CacheFolder cache = new(folder);
        cache.Write("a", [1]).Should().BeTrue();
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | others);
        cache.Read("a").Should().BeNull();
        cache.Write("b", [1]).Should().BeFalse();
        Directory.GetFiles(folder).Should().ContainSingle();
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void TheFolderItMakesIsTheUsersAlone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no file modes");
        CacheFolder cache = new(Path.Combine(folder, "own"));
        cache.Write("a", [1]);
        File.GetUnixFileMode(cache.Path!).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public void KernelsUnreadFor60DaysGoAndNothingElse()
    {
        CacheFolder cache = new(folder);
        string[] names = ["attnkernels-old.kernel", "attnkernels-left.kernel.0.tmp", "attnkernels-read.kernel", "attnkernels-tuning",
            "other.kernel"];
        foreach (string name in names)
        {
            File.WriteAllBytes(Path.Combine(folder, name), [1]);
            File.SetLastWriteTimeUtc(Path.Combine(folder, name), DateTime.UtcNow.AddDays(-61));
        }
        cache.Read("read.kernel").Should().Equal(1);
        cache.Write("new", [1]);
        Directory.GetFiles(folder).Select(Path.GetFileName).Should().BeEquivalentTo([.. names[2..], "attnkernels-new"]);
    }
}
