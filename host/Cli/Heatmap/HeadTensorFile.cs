using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace AttnKernels.Cli.Heatmap;

/// <summary>A tensor (heads, seq, headDim) that was read from a file, row-major.</summary>
internal sealed partial record HeadTensorFile(int Heads, int Seq, int HeadDim, float[] Values)
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Takes a shape (seq, headDim), (heads, seq, headDim) or (1, heads, seq, headDim).</summary>
    /// <exception cref="InvalidDataException">The shape is none of these.</exception>
    public static HeadTensorFile Of(string name, ReadOnlySpan<int> shape, float[] values) => shape switch
    {
        [int seq, int dim] => new HeadTensorFile(1, seq, dim, values),
        [int heads, int seq, int dim] => new HeadTensorFile(heads, seq, dim, values),
        [1, int heads, int seq, int dim] => new HeadTensorFile(heads, seq, dim, values),
        _ => throw new InvalidDataException(
            $"{name} has the shape ({string.Join(", ", shape.ToArray())}); "
            + "a heat map takes (seq, dim), (heads, seq, dim) or (1, heads, seq, dim)."),
    };

    /// <summary>A NumPy file (NEP 1) of little-endian float16, float32 or float64 in C order.</summary>
    /// <exception cref="InvalidDataException">It is not one; says why.</exception>
    public static HeadTensorFile ReadNpy(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < 10 || !bytes.AsSpan().StartsWith(Magic)) throw new InvalidDataException($"{path} is not a NumPy .npy file.");
        bool isVersion1 = bytes[6] == 1;
        int headerStart = isVersion1 ? 10 : 12;
        if (bytes.Length < headerStart) throw new InvalidDataException($"{path} ends in its header.");
        long headerLength = isVersion1 ? BitConverter.ToUInt16(bytes, 8) : BitConverter.ToUInt32(bytes, 8);
        if (headerLength > bytes.Length - headerStart)
            throw new InvalidDataException($"{path} ends in its header, which should have {headerLength} bytes.");
        string header = Encoding.ASCII.GetString(bytes, headerStart, (int)headerLength);
        if (header.Contains("'fortran_order': True", StringComparison.Ordinal))
            throw new InvalidDataException($"{path} is in Fortran order; save numpy.ascontiguousarray(x).");

        string type = TypePattern().Match(header).Groups[1].Value;
        int[] shape = [.. NumberPattern().Matches(ShapePattern().Match(header).Groups[1].Value)
            .Select(m => int.TryParse(m.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int size) && size > 0
                ? size
                : throw new InvalidDataException($"{path} has an axis of {m.Value} elements; 1 to {int.MaxValue} are read."))];
        ReadOnlySpan<byte> data = bytes.AsSpan(headerStart + (int)headerLength);
        float[] values = type switch
        {
            "<f4" => MemoryMarshal.Cast<byte, float>(data).ToArray(),
            "<f2" => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(data).ToArray(), x => (float)x),
            "<f8" => Array.ConvertAll(MemoryMarshal.Cast<byte, double>(data).ToArray(), x => (float)x),
            _ => throw new InvalidDataException($"{path} holds '{type}'; float16, float32 and float64 (little-endian) are read."),
        };
        BigInteger count = shape.Aggregate(BigInteger.One, (product, size) => product * size);
        if (count != values.Length)
            throw new InvalidDataException($"{path} says {count} elements and holds {values.Length}.");
        return Of(path, shape, values);
    }

    [GeneratedRegex("'descr': *'([^']*)'")]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"'shape': *\(([^)]*)\)")]
    private static partial Regex ShapePattern();

    [GeneratedRegex(@"-?\d+")]
    private static partial Regex NumberPattern();
}
