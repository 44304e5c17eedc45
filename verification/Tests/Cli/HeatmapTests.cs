using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AttnKernels.Cli.Commands;
using AttnKernels.Cli.Heatmap;

namespace AttnKernels.Tests.Cli;

/// <summary>The heat map shows the weights it is given; its inputs are read or refused with a reason.</summary>
public sealed partial class HeatmapTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("attn-heatmap").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void PanelsAreWellFormedAndHoldTheWeights()
    {
        float[] weights = [1, 0, 0, 0.25f, 0.25f, 0.5f];
        string page = HeatmapPage.Render("a < b", new HeatmapWeights(1, 1, 2, 3, weights), ["the", "<cat>", "sat"]);

        page.Should().Contain("a &lt; b").And.Contain("&lt;cat&gt;").And.NotContain("<cat>");
        XElement panel = XElement.Parse(SvgPattern().Match(page).Value);
        byte[] png = Convert.FromBase64String(panel.Descendants("image").Single().Attribute("href")!.Value.Split(',')[1]);
        byte[] rgb = Decode(png, out int width, out int height);
        (width, height).Should().Be((3, 2));
        (rgb[0], rgb[1], rgb[2]).Should().Be(Palette.At(1));
        (rgb[3], rgb[4], rgb[5]).Should().Be(Palette.At(0));
        (rgb[15], rgb[16], rgb[17]).Should().Be(Palette.At(0.5));
    }

    [Fact]
    public void NpyFilesAreRead()
    {
        string path = Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", [1f, 2, 3, 4, 5, 6]);
        HeadTensorFile tensor = HeadTensorFile.ReadNpy(path);
        (tensor.Heads, tensor.Seq, tensor.HeadDim).Should().Be((1, 2, 3));
        tensor.Values.Should().Equal(1, 2, 3, 4, 5, 6);
    }

    [Theory]
    [InlineData("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }", "*holds '<i4'*")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", "*Fortran order*")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }", "*says 8 elements and holds 6*")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", "*a heat map takes*")]
    public void OtherNpyFilesAreRefusedWithAReason(string header, string message)
    {
        string path = Npy(header, [1f, 2, 3, 4, 5, 6]);
        Action read = () => HeadTensorFile.ReadNpy(path);
        read.Should().Throw<InvalidDataException>().WithMessage(message);
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'shape': (4294967296, 3), }", "*x.npy*axis of 4294967296*")]
    [InlineData("{'descr': '<f4', 'shape': (2000000000, 2000000000, 2000000000), }", "*x.npy says 8000000000000000000000000000 elements*")]
    [InlineData("{'descr': '<f4', 'shape': (-2, -3), }", "*x.npy*axis of -2*")]
    [InlineData("{'descr': '<f4', 'shape': (0, 3), }", "*x.npy*axis of 0*")]
    public void ShapesThatNoTensorHasAreRefused(string header, string message)
    {
        string path = Npy(header, [1f, 2, 3, 4, 5, 6]);
        Action read = () => HeadTensorFile.ReadNpy(path);
        read.Should().Throw<InvalidDataException>().WithMessage(message);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 9, 0 })]
    [InlineData(new byte[] { 2, 0, 9, 0 })]
    [InlineData(new byte[] { 2, 0, 9, 0, 0, 0 })]
    [InlineData(new byte[] { 2, 0, 255, 255, 255, 255 })]
    public void ACutHeaderIsRefused(byte[] bytes)
    {
        string path = Path.Combine(folder, "x.npy");
        File.WriteAllBytes(path, [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', .. bytes]);
        Action read = () => HeadTensorFile.ReadNpy(path);
        read.Should().Throw<InvalidDataException>().WithMessage("*x.npy ends in its header*");
    }

    [Fact]
    public void WhatCannotBeWrittenIsOneLineAndAnExitCode()
    {
        string q = Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", [1f, 2, 3, 4, 5, 6]);
        HeatmapCommand.Create().Parse([q, q, "-d", "cpu", "-o", Path.Combine(folder, "page.html")]).Invoke().Should().Be(Report.Success);
        HeatmapCommand.Create().Parse([q, q, "-d", "cpu", "-o", folder]).Invoke().Should().Be(Report.Usage, "it is a folder");
        FeaturesCommand.Create().Parse(["--readme", folder]).Invoke().Should().Be(Report.Usage, "it is a folder");
        Report.Try(() => throw new DeviceMemoryException("cpu", 2, 1)).Should().Be(Report.Usage);
    }

    private string Npy(string header, float[] values)
    {
        string path = Path.Combine(folder, "x.npy");
        using BinaryWriter writer = new(File.Create(path));
        writer.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0]);
        writer.Write((ushort)header.Length);
        writer.Write(Encoding.ASCII.GetBytes(header));
        foreach (float value in values) writer.Write(value);
        return path;
    }

    /// <summary>The pixels of a PNG that PngImage wrote: signature, IHDR, one IDAT.</summary>
    private static byte[] Decode(byte[] png, out int width, out int height)
    {
        width = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16));
        height = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20));
        int length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(33));
        using ZLibStream zlib = new(new MemoryStream(png, 41, length), CompressionMode.Decompress);
        using MemoryStream raw = new();
        zlib.CopyTo(raw);
        byte[] lines = raw.ToArray();
        int stride = (3 * width) + 1;
        byte[] rgb = new byte[3 * width * height];
        for (int y = 0; y < height; y++) lines.AsSpan((y * stride) + 1, 3 * width).CopyTo(rgb.AsSpan(y * 3 * width));
        return rgb;
    }

    [GeneratedRegex("<svg.*</svg>", RegexOptions.Singleline)]
    private static partial Regex SvgPattern();
}
