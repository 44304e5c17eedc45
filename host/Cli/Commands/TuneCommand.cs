using System.CommandLine;
using System.Globalization;
using AttnKernels.Kernels;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary>
/// <c>attn tune matmul</c> and <c>attn tune attention</c>: measure the tiles that products or attention can have on a device, and keep the
/// fastest for plans to take.
/// </summary>
internal static class TuneCommand
{
    private static readonly Option<string> Device = new("--device", "-d")
    {
        Description = "A device of 'attn devices' with tensor cores. Default: the best.",
    };

    private static readonly Option<DType> Type = new("--type", "-t")
    {
        Description = "Float16 or BFloat16; Float32 with --input-precision.", DefaultValueFactory = _ => DType.Float16,
    };

    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Runs of each candidate, in turn.", DefaultValueFactory = _ => 15,
    };

    private static readonly Option<string> Cache = new("--cache")
    {
        Description = "The cache folder. Default: that of DeviceOptions.CacheFolder.",
    };

    public static Command Create() =>
        new("tune", "Measures the tiles of tensor-core kernels on a device; plans then take the fastest.") { Matmul(), Attention() };

    private static Command Matmul()
    {
        Argument<string[]> products = new("MxNxK")
        {
            Description = "Sizes of products, C (M, N) = A (M, K) B (K, N): 64x4096x14336.", Arity = ArgumentArity.OneOrMore,
        };
        Option<DType?> result = new("--result") { Description = "The type of C. Default: that of A and B." };
        Option<InputPrecision> precision = new("--input-precision") { Description = "Tf32 or Tf32x3, for Float32." };
        Option<bool> transposeA = new("--transpose-a") { Description = "A lies as (K, M)." };
        Option<bool> transposeB = new("--transpose-b") { Description = "B lies as (N, K), as weights often do." };
        Command command = new("matmul", "Measures the tiles of tensor-core products.")
        {
            products, Device, Type, result, precision, transposeA, transposeB, Rounds, Cache,
        };
        command.SetAction(parsed =>
        {
            MatmulProblem form = new()
            {
                M = 1,
                N = 1,
                K = 1,
                Type = parsed.GetRequiredValue(Type),
                TypeC = parsed.GetValue(result) ?? parsed.GetRequiredValue(Type),
                InputPrecision = parsed.GetValue(precision),
                TransposeA = parsed.GetValue(transposeA),
                TransposeB = parsed.GetValue(transposeB),
            };
            return Run(parsed, () => parsed.GetRequiredValue(products).Select(text => Sized(form, text)), MatmulTuner.Measure);
        });
        return command;
    }

    private static Command Attention()
    {
        Option<int[]> seq = Lengths("--seq", "Queries; several lengths are measured one after the other.");
        Option<int[]> headDim = Lengths("--head-dim", "Elements of a query and a key; several likewise.");
        Option<int> heads = new("--heads") { Description = "Query heads.", Required = true };
        Option<int?> headsKv = new("--heads-kv") { Description = "Key heads. Default: as many as query heads." };
        Option<int?> headDimV = new("--head-dim-v") { Description = "Elements of a value. Default: as many as of a key." };
        Option<int?> seqKv = new("--seq-kv") { Description = "Keys. Default: as many as queries." };
        Option<int> batch = new("--batch") { Description = "Batch entries.", DefaultValueFactory = _ => 1 };
        Option<bool> causal = new("--causal") { Description = "Hides the keys after a query's own; the last query sees all." };
        Option<int?> window = new("--window") { Description = "How many keys before its own a query sees." };
        Option<float> softcap = new("--softcap") { Description = "tanh soft cap; scores are then computed pair by pair, as with a mask." };
        Option<bool> packed = new("--packed") { Description = "The batch's sequences lie one after the other." };
        Option<int?> blockSize = new("--block-size") { Description = "Keys lie in blocks of so many, as in a paged cache." };
        Option<InputPrecision> precision = new("--input-precision") { Description = "Tf32x3, for Float32." };
        Command command = new("attention", "Measures the tiles of tensor-core attention.")
        {
            seq, heads, headDim, headsKv, headDimV, seqKv, batch, causal, window, softcap, packed, blockSize, Type, precision,
            Device, Rounds, Cache,
        };
        command.SetAction(parsed =>
        {
            return Run(parsed, Problems, AttentionTuner.Measure);

            IEnumerable<AttentionProblem> Problems() =>
                from dim in parsed.GetRequiredValue(headDim)
                from queries in parsed.GetRequiredValue(seq)
                select Placed(parsed.GetValue(packed), parsed.GetValue(blockSize), new AttentionProblem
                {
                    Batch = parsed.GetRequiredValue(batch),
                    HeadsQ = parsed.GetRequiredValue(heads),
                    HeadsKv = parsed.GetValue(headsKv) ?? parsed.GetRequiredValue(heads),
                    SeqQ = queries,
                    SeqKv = parsed.GetValue(seqKv) ?? queries,
                    HeadDim = dim,
                    HeadDimV = parsed.GetValue(headDimV) ?? dim,
                    Type = parsed.GetRequiredValue(Type),
                    InputPrecision = parsed.GetValue(precision),
                    Causal = parsed.GetValue(causal) ? CausalMask.BottomRight : CausalMask.None,
                    Alignment = BandAlignment.BottomRight,
                    WindowLeft = parsed.GetValue(window),
                    Softcap = parsed.GetValue(softcap),
                });
        });
        return command;
    }

    private static Option<int[]> Lengths(string name, string description) => new(name)
    {
        Description = description, Required = true, AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>The problem with as much memory for its queries and keys as it needs, laid out as asked for.</summary>
    private static AttentionProblem Placed(bool isPacked, int? blockSize, AttentionProblem problem)
    {
        problem.Validate();
        if (blockSize is { } size)
            problem = problem with { Kv = KvLayout.Paged(size, Times(problem.Batch, KvLayout.Paged(size, 1).TableColumns(problem.SeqKv))) };
        if (!isPacked) return problem;
        int? totalKv = blockSize is null ? Times(problem.Batch, problem.SeqKv) : null;
        return problem with { Packed = new PackedSequences(Times(problem.Batch, problem.SeqQ), totalKv) };

        static int Times(int a, int b) => (int)Math.Min(int.MaxValue, (long)a * b);
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

    private static int Run<TProblem>(
        ParseResult parsed, Func<IEnumerable<TProblem>> problems, Func<AttentionDevice, TProblem, int, TunedProblem> measure)
    {
        Report.Banner();
        string? deviceName = parsed.GetValue(Device), cache = parsed.GetValue(Cache);
        if (deviceName is not null && Report.Devices([deviceName]) is null) return Report.Usage;
        return Report.Try(() =>
        {
            TProblem[] asked = [.. problems()];
            using AttentionDevice device = AttentionDevice.Open(deviceName, new DeviceOptions { CacheFolder = cache });
            if (device.Backend is not KernelDevice { HasTensorCores: true })
            {
                Console.Error.WriteLine($"Device {device.Info.Name} has no tensor cores; other kernels have nothing to tune.");
                return Report.Usage;
            }
            CacheFolder folder = CacheFolder.Open(cache);
            string? file = null;
            foreach (TProblem problem in asked)
            {
                TunedProblem measured = measure(device, problem, Math.Max(1, parsed.GetRequiredValue(Rounds)));
                Write(measured);
                file = Tuning.Read(folder, device.Info).With([measured]).Write(folder, device.Info);
            }
            Console.WriteLine(file is null ? $"The cache folder {folder.Path ?? "is off and"} keeps nothing." : $"Kept in {file}");
            return file is null ? Report.Failure : Report.Success;
        });
    }

    private static void Write(TunedProblem problem)
    {
        Table table = Report.Table(problem.Problem!, "ms", "");
        foreach ((string candidate, double milliseconds) in problem.Milliseconds!.OrderBy(pair => pair.Value))
        {
            bool isTaken = candidate == Tuner.Label(problem.Tile, problem.Parts);
            table.AddRow(candidate, milliseconds.ToString("0.0000", CultureInfo.InvariantCulture), isTaken ? "taken" : "");
        }
        Report.Write(table);
    }
}
