using System.Text.Json;
using System.Text.Json.Serialization;
using Fp32Keys = AttnKernels.Kernels.PlainKeys<float, AttnKernels.Kernels.Float32Element>;
using HalfFormat = AttnKernels.Kernels.PairFormat<AttnKernels.Kernels.Float16Tensor>;
using HalfKeys = AttnKernels.Kernels.PlainKeys<ushort, AttnKernels.Kernels.Float16Element>;

namespace AttnKernels.Kernels;

/// <summary>
/// What was measured on a device (<c>attn tune</c>) and plans take instead of the estimate, for each <see cref="TuningClass"/>: a tile of
/// TensorMatmul and parts of K, or a tile of TensorFlashForward. It lies in the cache folder, in a file for each device and driver, and
/// counts for the tiles that it was measured with.
/// </summary>
internal sealed class Tuning
{
    /// <summary>Of the file's form; 1 had products alone.</summary>
    private const int Version = 2;

    private readonly Dictionary<string, TunedProblem> problems = [];

    /// <summary>Nothing was measured.</summary>
    public static Tuning None { get; } = new();

    /// <summary>Why a file that is there is not used; empty where all is well.</summary>
    public string Remark { get; private init; } = "";

    /// <summary>The kernels among which was chosen.</summary>
    public static string Kernels =>
        $"TensorMatmul {Names(TensorMatmulChoice.Tiles, 8)}; tf32 {Names(TensorMatmulChoice.Tf32Tiles, 4)}; " +
        $"tf32x3 {Names(TensorMatmulChoice.Tf32x3Tiles, 4)}; TensorFlashForward {string.Join("; ", FlashTiles.Select(Joined))}";

    /// <summary>Of 16 bits, with scores looked up pair by pair, of fp32 in parts.</summary>
    private static IReadOnlyList<IReadOnlyList<string>> FlashTiles =>
    [
        TensorFlashTable<ushort, HalfFormat, PlainScore, HalfKeys>.Tiles,
        TensorFlashTable<ushort, HalfFormat, GeneralScore, HalfKeys>.Tiles,
        TensorFlashTable<float, Tf32x3Format, PlainScore, Fp32Keys>.Tiles,
    ];

    private static string Names(IEnumerable<TensorMatmulForm> tiles, int perChunk) =>
        Joined(tiles.Select(tile => $"{tile}x{TensorMatmulSteps.Chunks * perChunk}"));

    private static string Joined(IEnumerable<string> tiles) => string.Join(", ", tiles);

    /// <summary>Whether any kernel has a tile of that name.</summary>
    private static bool IsTile(string? name) =>
        TensorMatmulChoice.IsTile(name) ||
        FlashTiles.SelectMany(tiles => tiles).Any(tile => tile.StartsWith($"{name} ", StringComparison.Ordinal));

    /// <summary>What the file holds; nothing, and a remark, where it is damaged or was not measured with these kernels.</summary>
    public static Tuning Read(CacheFolder folder, DeviceInfo device)
    {
        string name = FileName(device);
        if (folder.Read(name) is not { } bytes) return None;
        string file = folder.FullName(name);
        try
        {
            TuningFile content = JsonSerializer.Deserialize(bytes, TuningJson.Default.TuningFile) ?? throw new JsonException("it is empty");
            if (content.Version != Version || content.Device != Identity(device) || content.Kernels != Kernels)
                return Unused($"{file} was measured on another device or with other kernels and is not used: attn tune measures anew");
            Tuning tuning = new();
            foreach (TunedProblem tuned in content.Problems ?? throw new JsonException("it has no problems"))
            {
                if (tuned?.Problem is null || tuned.Parts < 1 || !IsTile(tuned.Tile))
                    throw new JsonException($"there is no tile {tuned?.Tile} with {tuned?.Parts} parts");
                tuning.problems[tuned.Problem] = tuned;
            }
            return tuning;
        }
        catch (JsonException e)
        {
            return Unused($"{file} is damaged and not used ({e.Message.TrimEnd('.')}): attn tune makes a new one");
        }
    }

    private static Tuning Unused(string remark) => new() { Remark = remark };

    /// <summary>What was measured for the class of a product; null = nothing.</summary>
    public TunedProblem? Find(MatmulProblem problem) => Find(TuningClass.Of(problem));

    /// <summary>What was measured for the class of attention; null = nothing.</summary>
    public TunedProblem? Find(AttentionProblem problem) => Find(TuningClass.Of(problem));

    private TunedProblem? Find(string name) => problems.Count == 0 ? null : problems.GetValueOrDefault(name);

    /// <summary>This and <paramref name="measured"/>, which take the place of older ones of the same name.</summary>
    public Tuning With(IEnumerable<TunedProblem> measured)
    {
        Tuning tuning = new();
        foreach (TunedProblem problem in problems.Values.Concat(measured)) tuning.problems[problem.Problem!] = problem;
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
            Problems = [.. problems.Values.OrderBy(problem => problem.Problem, StringComparer.Ordinal)],
        };
        string name = FileName(device);
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(content, TuningJson.Default.TuningFile);
        return folder.Write(name, bytes) ? folder.FullName(name) : null;
    }

    /// <summary>What <c>Explain</c> says of a tile that was found here.</summary>
    public static string Why(string tile) => $"{tile} tiles, the fastest that attn tune measured on this device";

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

    public IReadOnlyList<TunedProblem>? Problems { get; init; }
}

/// <summary>What was measured for one class of problems.</summary>
internal sealed record TunedProblem
{
    /// <summary><see cref="TuningClass"/>.</summary>
    public string? Problem { get; init; }

    /// <summary>The tile to take: "128x256".</summary>
    public string? Tile { get; init; }

    /// <summary>In how many parts K of a product is summed; 1 for attention.</summary>
    public int Parts { get; init; }

    /// <summary>Median milliseconds of every candidate: "128x256", "64x64 in 4 parts".</summary>
    public IReadOnlyDictionary<string, double>? Milliseconds { get; init; }
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(TuningFile))]
internal sealed partial class TuningJson : JsonSerializerContext;
