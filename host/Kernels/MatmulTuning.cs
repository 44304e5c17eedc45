using System.Text.Json;
using System.Text.Json.Serialization;

namespace AttnKernels.Kernels;

/// <summary>
/// What was measured on a device (<c>attn tune</c>) and plans take instead of the estimate: a tile of TensorMatmul and parts of K for each
/// product. It lies in the cache folder, in a file for each device and driver, and counts for the tiles that it was measured with.
/// </summary>
internal sealed class MatmulTuning
{
    /// <summary>Of the file's form.</summary>
    private const int Version = 1;

    private readonly Dictionary<string, TunedProduct> products = [];

    /// <summary>Nothing was measured.</summary>
    public static MatmulTuning None { get; } = new();

    /// <summary>Why a file that is there is not used; empty where all is well.</summary>
    public string Remark { get; private init; } = "";

    /// <summary>The kernels among which was chosen.</summary>
    public static string Kernels =>
        $"TensorMatmul {Names(TensorMatmulChoice.Tiles, 8)}; tf32 {Names(TensorMatmulChoice.Tf32Tiles, 4)}; " +
        $"tf32x3 {Names(TensorMatmulChoice.Tf32x3Tiles, 4)}";

    private static string Names(IEnumerable<TensorMatmulForm> tiles, int perChunk) =>
        string.Join(", ", tiles.Select(tile => $"{tile}x{TensorMatmulSteps.Chunks * perChunk}"));

    /// <summary>What the file holds; nothing, and a remark, where it is damaged or was not measured with these kernels.</summary>
    public static MatmulTuning Read(CacheFolder folder, DeviceInfo device)
    {
        string name = FileName(device);
        if (folder.Read(name) is not { } bytes) return None;
        string file = folder.FullName(name);
        try
        {
            TuningFile content = JsonSerializer.Deserialize(bytes, TuningJson.Default.TuningFile) ?? throw new JsonException("it is empty");
            if (content.Version != Version || content.Device != Identity(device) || content.Kernels != Kernels)
                return Unused($"{file} was measured on another device or with other kernels and is not used: attn tune measures anew");
            MatmulTuning tuning = new();
            foreach (TunedProduct product in content.Products ?? throw new JsonException("it has no products"))
            {
                if (product.Product is null || product.Parts < 1 || !TensorMatmulChoice.IsTile(product.Tile))
                    throw new JsonException($"there is no tile {product.Tile} with {product.Parts} parts");
                tuning.products[product.Product] = product;
            }
            return tuning;
        }
        catch (JsonException e)
        {
            return Unused($"{file} is damaged and not used ({e.Message.TrimEnd('.')}): attn tune makes a new one");
        }
    }

    private static MatmulTuning Unused(string remark) => new() { Remark = remark };

    /// <summary>What was measured for a product of these sizes, types and layouts; null = nothing.</summary>
    public TunedProduct? Find(MatmulProblem p) => products.GetValueOrDefault(Name(p));

    /// <summary>This and <paramref name="measured"/>, which take the place of older ones of the same name.</summary>
    public MatmulTuning With(IEnumerable<TunedProduct> measured)
    {
        MatmulTuning tuning = new();
        foreach (TunedProduct product in products.Values.Concat(measured)) tuning.products[product.Product!] = product;
        return tuning;
    }

    /// <summary>Keeps it for other processes; the file, or null where the folder does not allow it.</summary>
    public string? Write(CacheFolder folder, DeviceInfo device)
    {
        TuningFile content = new()
        {
            Version = Version,
            Device = Identity(device),
            Kernels = Kernels,
            Products = [.. products.Values.OrderBy(product => product.Product, StringComparer.Ordinal)],
        };
        string name = FileName(device);
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(content, TuningJson.Default.TuningFile);
        return folder.Write(name, bytes) ? folder.FullName(name) : null;
    }

    /// <summary>What decides how fast a product is: "64x4096x14336 Float16 to Float16 NT, batch 1".</summary>
    public static string Name(MatmulProblem p) =>
        $"{p.M}x{p.N}x{p.K} {p.TypeA}{(p.InputPrecision == InputPrecision.Ieee ? "" : $" as {p.InputPrecision}")} to {p.TypeC} " +
        $"{(p.TransposeA ? "T" : "N")}{(p.TransposeB ? "T" : "N")}, batch {(long)p.Batch0 * p.Batch1}";

    private static string FileName(DeviceInfo device) =>
        $"tuning-{string.Concat(device.Description.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'))}.json";

    private static string Identity(DeviceInfo device) =>
        $"{device.Description}, {device.Architecture}, {device.ComputeUnits} multiprocessors, " +
        $"{device.SharedMemoryPerGroup} bytes of shared memory";
}

/// <summary>The file of one device.</summary>
internal sealed record TuningFile
{
    public int Version { get; init; }

    public string? Device { get; init; }

    public string? Kernels { get; init; }

    public IReadOnlyList<TunedProduct>? Products { get; init; }
}

/// <summary>What was measured for one product.</summary>
internal sealed record TunedProduct
{
    /// <summary><see cref="MatmulTuning.Name"/>.</summary>
    public string? Product { get; init; }

    /// <summary>The tile to take: "128x256".</summary>
    public string? Tile { get; init; }

    /// <summary>In how many parts K is summed.</summary>
    public int Parts { get; init; }

    /// <summary>Median milliseconds of every candidate: "128x256", "64x64 in 4 parts".</summary>
    public IReadOnlyDictionary<string, double>? Milliseconds { get; init; }
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(TuningFile))]
internal sealed partial class TuningJson : JsonSerializerContext;
