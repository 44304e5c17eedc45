using System.CommandLine;
using System.Globalization;
using AttnKernels.Kernels;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn tune</c>: measures the tiles that products can have on a device, and keeps the fastest for plans to take.</summary>
internal static class TuneCommand
{
    public static Command Create()
    {
        Argument<string[]> products = new("MxNxK")
        {
            Description = "Sizes of products, C (M, N) = A (M, K) B (K, N): 64x4096x14336.", Arity = ArgumentArity.OneOrMore,
        };
        Option<string> device = new("--device", "-d") { Description = "A device of 'attn devices' with tensor cores. Default: the best." };
        Option<DType> type = new("--type", "-t")
        {
            Description = "Float16 or BFloat16; Float32 with --input-precision.", DefaultValueFactory = _ => DType.Float16,
        };
        Option<DType?> result = new("--result") { Description = "The type of C. Default: that of A and B." };
        Option<InputPrecision> precision = new("--input-precision") { Description = "Tf32 or Tf32x3, for Float32." };
        Option<bool> transposeA = new("--transpose-a") { Description = "A lies as (K, M)." };
        Option<bool> transposeB = new("--transpose-b") { Description = "B lies as (N, K), as weights often do." };
        Option<int> rounds = new("--rounds") { Description = "Runs of each candidate, in turn.", DefaultValueFactory = _ => 15 };
        Option<string> cache = new("--cache") { Description = "The cache folder. Default: that of DeviceOptions.CacheFolder." };
        Command command = new("tune", "Measures the tiles of tensor-core products on a device; plans then take the fastest.")
        {
            products, device, type, result, precision, transposeA, transposeB, rounds, cache,
        };
        command.SetAction(parsed => Run(
            parsed.GetValue(device), parsed.GetValue(cache), Math.Max(1, parsed.GetRequiredValue(rounds)),
            parsed.GetRequiredValue(products), new MatmulProblem
            {
                M = 1,
                N = 1,
                K = 1,
                Type = parsed.GetRequiredValue(type),
                TypeC = parsed.GetValue(result) ?? parsed.GetRequiredValue(type),
                InputPrecision = parsed.GetValue(precision),
                TransposeA = parsed.GetValue(transposeA),
                TransposeB = parsed.GetValue(transposeB),
            }));
        return command;
    }

    /// <summary>The product of sizes like 64x4096x14336.</summary>
    private static MatmulProblem Sized(MatmulProblem form, string text)
    {
        string[] parts = text.Split('x');
        int[] sizes = new int[3];
        bool isRead = parts.Length == sizes.Length;
        for (int i = 0; isRead && i < sizes.Length; i++)
            isRead = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i]);
        if (!isRead) throw new ArgumentException($"The sizes of a product are MxNxK, like 64x4096x14336; got {text}.");
        return form with { M = sizes[0], N = sizes[1], K = sizes[2] };
    }

    private static int Run(string? deviceName, string? cache, int rounds, IReadOnlyList<string> products, MatmulProblem form)
    {
        Report.Banner();
        if (deviceName is not null && Report.Devices([deviceName]) is null) return Report.Usage;
        return Report.Try(() =>
        {
            using AttentionDevice device = AttentionDevice.Open(deviceName, new DeviceOptions { CacheFolder = cache });
            if (device.Backend is not KernelDevice { HasTensorCores: true })
            {
                Console.Error.WriteLine($"Device {device.Info.Name} has no tensor cores; other kernels have nothing to tune.");
                return Report.Usage;
            }
            CacheFolder folder = CacheFolder.Open(cache);
            string? file = null;
            foreach (MatmulProblem problem in products.Select(text => Sized(form, text)).ToArray())
            {
                TunedProduct measured = MatmulTuner.Measure(device, problem, rounds);
                Write(measured);
                file = MatmulTuning.Read(folder, device.Info).With([measured]).Write(folder, device.Info);
            }
            Console.WriteLine(file is null ? $"The cache folder {folder.Path ?? "is off and"} keeps nothing." : $"Kept in {file}");
            return file is null ? Report.Failure : Report.Success;
        });
    }

    private static void Write(TunedProduct product)
    {
        Table table = Report.Table(product.Product!, "ms", "");
        foreach ((string candidate, double milliseconds) in product.Milliseconds!.OrderBy(pair => pair.Value))
        {
            bool isTaken = candidate == MatmulTuner.Label(product.Tile, product.Parts);
            table.AddRow(candidate, milliseconds.ToString("0.0000", CultureInfo.InvariantCulture), isTaken ? "taken" : "");
        }
        Report.Write(table);
    }
}
