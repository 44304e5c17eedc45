using AttnKernels.Cli.Commands;
using AttnKernels.Kernels;
using AttnKernels.Verification;

namespace AttnKernels.Tests.Host;

/// <summary>Tiles of attention that were measured on a device: which plans follow them, and that they change no bits.</summary>
public sealed class AttentionTuningTests : IDisposable
{
    private static readonly AttentionProblem Problem = new()
    {
        Type = DType.Float16, HeadsQ = 2, SeqQ = 70, SeqKv = 90, HeadDim = 48, Causal = CausalMask.BottomRight,
    };

    private readonly string path = Directory.CreateTempSubdirectory("attn-tuning").FullName;
#if KERNEL_API_SIMULATOR
    private readonly AttentionDevice device = AttentionDevice.Open("simulator");
#else
    private readonly AttentionDevice device = CheckedDevices.Open("ptx");
#endif

    private KernelDevice Backend => (KernelDevice)device.Backend;

    public void Dispose()
    {
        device.Dispose();
        Directory.Delete(path, recursive: true);
    }

    /// <summary>Every tile for heads up to 128 walks the same keys, so what was measured decides the time alone.</summary>
    [Fact]
    public void A_tile_that_was_measured_gives_the_bits_of_the_estimate()
    {
        (string text, Half[] bits) = Run();
        text.Should().Contain("TensorFlashForward fp16 128x64 D<=64").And.NotContain("measured");

        Backend.Tuning = Kept(Problem, "64x64");

        (text, Half[] tuned) = Run();
        text.Should().Contain("TensorFlashForward fp16 64x64 D<=64")
            .And.Contain("on tensor cores; 64x64 tiles, the fastest that attn tune measured on this device");
        tuned.Should().Equal(bits).And.NotContain(Half.Zero);

        (string, Half[]) Run()
        {
            using DeviceTensor q = Tuner.Filled(device, DType.Float16, 1, 2, 70, 48), k = Tuner.Filled(device, DType.Float16, 1, 2, 90, 48);
            using DeviceTensor o = device.Allocate(DType.Float16, 1, 2, 70, 48);
            using AttentionPlan plan = device.Plan(Problem);
            plan.Run(new AttentionTensors { Q = q, K = k, V = k, O = o });
            return (plan.Explain(), o.ToArray<Half>());
        }
    }

#if KERNEL_API_SIMULATOR
    /// <summary>Of 128 columns, where tiles of every type, storage and kind of score have the same names.</summary>
    [Fact]
    public void Plans_of_the_same_class_follow_what_was_measured()
    {
        AttentionProblem wide = Problem with { HeadDim = 128 };
        Backend.Tuning = Kept(wide, "64x32");
        AttentionProblem[] same =
        [
            wide, wide with { SeqQ = 128, SeqKv = 65 }, wide with { Batch = 2, HeadsQ = 1 }, wide with { Lse = true },
            wide with { KeyLengths = true }, wide with { Causal = CausalMask.TopLeft }, wide with { Scale = 2 },
        ];
        foreach (AttentionProblem problem in same)
            Explain(problem).Should().Contain(" 64x32 D<=128 PlainScore").And.Contain("attn tune measured");
        AttentionProblem[] others =
        [
            wide with { SeqQ = 129 }, wide with { SeqKv = 129 }, wide with { HeadsQ = 3 }, wide with { HeadsKv = 1 },
            wide with { HeadDim = 127 }, wide with { HeadDimV = 127 }, wide with { Type = DType.BFloat16 },
            wide with { Type = DType.Float32, InputPrecision = InputPrecision.Tf32x3 }, wide with { Causal = CausalMask.None },
            wide with { WindowLeft = 40 }, wide with { Softcap = 30 }, wide with { Packed = new PackedSequences(70, 90) },
            wide with { Kv = KvLayout.Paged(16, 6) }, wide with { Tile = "" },
        ];
        foreach (AttentionProblem problem in others)
            Explain(problem).Should().Contain("TensorFlashForward").And.NotContain("measured");
        using AttentionPlan<LogBias> ruled = device.Plan<LogBias>(wide);
        ruled.Explain().Should().Contain("TensorFlashForward").And.NotContain("measured", "the rule was not part of what was");
    }

    [Fact]
    public void Split_keys_and_shared_tiles_follow_it_too()
    {
        AttentionProblem split = Problem with { SeqQ = 40, SeqKv = 600 };
        Explain(split).Should().Contain(" 64x64 D<=64");
        Backend.Tuning = Kept(split, "128x64");
        Explain(split).Should().Contain(" 128x64 D<=64").And.Contain("attn tune measured").And.Contain("2 splits of 512 keys");

        AttentionProblem shared = Problem with { HeadsQ = 4, HeadsKv = 2, SeqQ = 20 };
        Backend.Tuning = Kept(shared, "128x64");
        Explain(shared).Should().Contain(" 128x64 D<=64 PlainScore: 2 groups").And.Contain("a tile has rows of 2 heads");
    }

    [Fact]
    public void A_tile_that_does_not_fit_the_problem_or_the_device_is_not_taken()
    {
        Backend.Tuning = Kept(Problem, "128x32"); // of scores pair by pair, and of 128 columns
        Explain(Problem).Should().Contain(" 128x64 D<=64").And.NotContain("measured");

        AttentionProblem wide = Problem with { HeadDim = 200 };
        Backend.Tuning = Kept(wide, "64x16");
        Explain(wide).Should().Contain(" 64x16 D<=256").And.Contain("attn tune measured");
        using AttentionDevice small = AttentionDevice.Open(
            "simulator", new DeviceOptions { Simulator = new Simulation.SimulatorOptions { SharedMemoryPerGroup = 48 << 10 } });
        ((KernelDevice)small.Backend).Tuning = Kept(wide, "64x64");
        using AttentionPlan plan = small.Plan(wide);
        plan.Explain().Should().Contain(" 64x16 D<=256").And.NotContain("measured");
    }

    [Fact]
    public void A_file_that_is_damaged_or_of_other_kernels_is_named_and_not_used()
    {
        CacheFolder folder = new(path);
        string file = Tuning.None.With([Tuned(Problem, "64x64")]).Write(folder, device.Info)!;
        string good = File.ReadAllText(file);
        foreach ((string from, string to, string remark) in ((string, string, string)[])
            [
                ("\"64x64\"", "\"64x48\"", "there is no tile 64x48"), ("\"64x64\"", "null", "there is no tile"),
                ("\"64x64\"", "\"\"", "there is no tile"), ("128x64 D96", "128x32 D96", "with other kernels"),
                ("\"Version\": 2", "\"Version\": 1", "with other kernels"), ("\"Tile\"", "Tile", "is damaged and not used"),
            ])
        {
            good.Should().Contain(from);
            File.WriteAllText(file, good.Replace(from, to, StringComparison.Ordinal));
            Backend.Tuning = Tuning.Read(folder, device.Info);
            Explain(Problem).Should().Contain(" 128x64 D<=64").And.Contain(file).And.Contain(remark);
            Explain(Problem with { Type = DType.Float32 }).Should().NotContain(file, "it has no tile to choose");
        }
    }

    /// <summary>Where keys lie and what scores are made of have kernels of their own, and each is measured.</summary>
    [Fact]
    public void Every_tile_is_measured_and_found_again()
    {
        AttentionProblem p = Problem with { HeadsQ = 1, SeqQ = 20, SeqKv = 20 };
        Measured(p, "128x64", "64x64");
        Measured(p with { Batch = 2, Packed = new PackedSequences(40, 40) }, "128x64", "64x64");
        Measured(p with { Batch = 2, Kv = KvLayout.Paged(8, 6), Softcap = 30 }, "128x32", "64x32");
        Measured(p with { HeadDim = 200 }, "64x64", "64x16");
        Measured(p with { Type = DType.Float32, InputPrecision = InputPrecision.Tf32x3 }, "128x32", "64x32");

        void Measured(AttentionProblem problem, params string[] tiles)
        {
            TunedProblem result = AttentionTuner.Measure(device, problem, rounds: 1);
            result.Milliseconds!.Keys.Should().Equal(tiles);
            result.Milliseconds.Values.Should().OnlyContain(milliseconds => milliseconds > 0);
            Backend.Tuning = Tuning.None.With([result]);
            Explain(problem).Should().Contain($"{result.Tile} tiles, the fastest that attn tune measured");
        }
    }

    [Fact]
    public void The_estimate_stands_unless_another_is_faster()
    {
        Pick(1, 1.02, 1).Should().Be("64x64", "2 % is noise");
        Pick(1, 1.05, 1).Should().Be("128x64");
        Pick(-1, 1.02, 1).Should().Be("64x16");
        Backend.Tuning = Kept(Problem, "64x64");
        (IReadOnlyList<string> tiles, int estimated) = AttentionTuner.Tiles(device, Problem);
        tiles[estimated].Should().Be("128x64", "what was measured before is no estimate");

        static string? Pick(int estimate, double second, double third) =>
            Tuner.Result("p", [("128x64", 1), ("64x64", 1), ("64x16", 1)], estimate, [estimate < 0 ? 2 : third, second, third]).Tile;
    }

    [Fact]
    public void What_has_no_two_tiles_has_nothing_to_tune()
    {
        Refused(Problem with { Type = DType.Float32 }, "fp32 is multiplied as fp32");
        Refused(Problem with { HeadDim = 300 }, "wider than 256");
        Refused(Problem with { SeqQ = 1, SeqKv = 300 }, "few query rows a key head");
        Refused(Problem with { HeadDim = 128, Type = DType.Float32, InputPrecision = InputPrecision.Tf32x3 }, "64x32 is its only tile");
        Refused(Problem with { Mask = true }, "Q, K and V alone");
        Refused(Problem with { Weights = true }, "Q, K and V alone");

        void Refused(AttentionProblem problem, string why) =>
            FluentActions.Invoking(() => AttentionTuner.Measure(device, problem, 1))
                .Should().Throw<NotSupportedException>().WithMessage($"*{why}*");
    }

    [Fact]
    public void The_command_keeps_products_and_attention_in_one_file()
    {
        Command("matmul 16x16x16").Should().Be(Report.Success);
        Command("attention --seq 5 17 --heads 2 --heads-kv 1 --head-dim 8 --causal").Should().Be(Report.Success);

        Tuning kept = Tuning.Read(new CacheFolder(path), device.Info);
        kept.Remark.Should().BeEmpty();
        kept.Find(new MatmulProblem { Type = DType.Float16, M = 16, N = 16, K = 16 }).Should().NotBeNull();
        AttentionProblem small = Problem with { HeadsKv = 1, HeadDim = 8, SeqQ = 7, SeqKv = 8 };
        kept.Find(small).Should().NotBeNull();
        kept.Find(small with { SeqQ = 32, SeqKv = 20 }).Should().NotBeNull();
        kept.Find(small with { SeqQ = 16, SeqKv = 16 }).Should().BeNull();
    }

    [Theory]
    [InlineData("--seq 5 --heads 3 --heads-kv 2 --head-dim 8")]
    [InlineData("--seq 0 --heads 1 --head-dim 8")]
    [InlineData("--seq 5 --heads 1 --head-dim 8 --block-size 3")]
    [InlineData("--seq 5 --heads 1 --head-dim 8 --block-size 0")]
    [InlineData("--seq 5 --heads 1 --head-dim 8 --type Int8")]
    [InlineData("--seq 5 --heads 1 --head-dim 8 --type Float32 --input-precision Tf32")]
    [InlineData("--seq 500000000 --heads 1 --head-dim 8 --batch 2000000000 --packed")]
    public void What_is_no_problem_is_refused(string arguments) => Command($"attention {arguments}").Should().Be(Report.Usage);

    [Theory]
    [InlineData("attention --heads 1 --head-dim 8", "--seq")]
    [InlineData("attention --seq 5 --heads 1 --head-dim x", "--head-dim")]
    [InlineData("matmul", "'matmul'")]
    [InlineData("", "command")]
    public void What_cannot_be_read_is_named(string arguments, string name) =>
        TuneCommand.Create().Parse(arguments).Errors.Should().ContainSingle().Which.Message.Should().Contain(name);

    private int Command(string arguments) =>
        TuneCommand.Create().Parse([.. arguments.Split(' '), "-d", "simulator", "--rounds", "1", "--cache", path]).Invoke();

    private string Explain(AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.Explain();
    }
#endif

    private static TunedProblem Tuned(AttentionProblem problem, string tile) =>
        new() { Problem = TuningClass.Of(problem), Tile = tile, Parts = 1 };

    /// <summary>Written to the device's file and read back.</summary>
    private Tuning Kept(AttentionProblem problem, string tile)
    {
        CacheFolder folder = new(path);
        Tuning.None.With([Tuned(problem, tile)]).Write(folder, device.Info).Should().StartWith(path);
        return Tuning.Read(folder, device.Info);
    }
}
