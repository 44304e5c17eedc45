#if KERNEL_API_SIMULATOR
using AttnKernels.Devices.Simulator;
using AttnKernels.Kernels;
using AttnKernels.Simulation;
using Fp16Tiles = AttnKernels.Kernels.TensorFlashTable<
    ushort, AttnKernels.Kernels.PairFormat<AttnKernels.Kernels.Float16Tensor>, AttnKernels.Kernels.PlainScore,
    AttnKernels.Kernels.PlainKeys<ushort, AttnKernels.Kernels.Float16Element>>;

namespace AttnKernels.Tests.Host;

/// <summary>When a plan chooses the kernels for tensor cores, and what it says where it does not.</summary>
public sealed class TensorCoreTests : IDisposable
{
    private static readonly AttentionProblem Sizes = new()
    {
        Type = DType.Float16, Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 9, SeqKv = 40, HeadDim = 64,
    };

    private readonly AttentionDevice device = AttentionDevice.Open("simulator");

    public void Dispose() => device.Dispose();

    [Fact]
    public void Half_precision_runs_on_them()
    {
        Explain(Sizes).Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore").And.Contain("on tensor cores");
        Explain(Sizes with { SeqQ = 1 })
            .Should().Contain("TensorFlashForward fp16 64x64 D<=64 PlainScore").And.Contain("since there are only 2")
            .And.Contain("a tile has rows of 2 heads");
        Explain(Sizes with { HeadDim = 65, HeadDimV = 1 }).Should().Contain("TensorFlashForward fp16 64x64 D<=96 PlainScore");
        Explain(Sizes with { SeqQ = 65 }).Should().Contain("TensorFlashForward fp16 128x64 D<=64 PlainScore");
        Explain(Sizes with { SeqQ = 65, HeadDimV = 128 }).Should().Contain("TensorFlashForward fp16 128x32 D<=128 PlainScore");
        Explain(Sizes with { SeqQ = 65, Bias = true }).Should().Contain("TensorFlashForward fp16 128x32 D<=64 GeneralScore");
        Explain(Sizes with { Type = DType.BFloat16, HeadDimV = 128, Mask = true, Sinks = true, Documents = true })
            .Should().Contain("TensorFlashForward bf16 64x32 D<=128 GeneralScore");
    }

    [Fact]
    public void What_they_cannot_do_falls_back_and_says_why()
    {
        Portable(Sizes with { Type = DType.Float32 }, "fp32 is multiplied as fp32");
        Portable(Sizes with { KvType = DType.Int8 }, "only as they are stored");
    }

    [Fact]
    public void Fp32_runs_on_them_as_three_products_where_that_is_asked_for()
    {
        AttentionProblem parts = Sizes with { Type = DType.Float32, InputPrecision = InputPrecision.Tf32x3 };
        Explain(parts).Should().Contain("Float32 as Tf32x3").And.Contain("TensorFlashForward tf32x3 64x32 D<=64 PlainScore")
            .And.Contain("on tensor cores");
        Explain(parts with { SeqQ = 65 }).Should().Contain("TensorFlashForward tf32x3 128x32 D<=64 PlainScore");
        Explain(parts with { SeqQ = 65, HeadDimV = 65, Mask = true })
            .Should().Contain("TensorFlashForward tf32x3 64x32 D<=128 GeneralScore");
        string instead = "products in fp32, which are at least as exact as Tf32x3";
        Portable(parts with { HeadDim = 129 }, "the parts of fp32 beside O of heads wider than 128 do not fit into a lane's 255 registers");
        Portable(parts with { HeadDim = 129 }, instead);
        Portable(parts with { KvType = DType.Float16 }, instead);
        Explain(parts with { SeqQ = 1, SeqKv = 300 }).Should().Contain("FlashDecode fp32").And.Contain(instead);
        Explain(parts with { Weights = true }).Should().Contain("unfused").And.Contain(instead);
        using AttentionDevice cpu = AttentionDevice.Open("cpu");
        using AttentionPlan plan = cpu.Plan(parts);
        plan.Explain().Should().Contain(instead);
    }

    /// <summary>Tiles of few and of many query rows compute a row alike.</summary>
    [Fact]
    public void A_row_of_three_products_has_the_same_bits_in_every_tile()
    {
        AttentionProblem many = new()
        {
            HeadsQ = 1, SeqQ = 70, SeqKv = 50, HeadDim = 64, InputPrecision = InputPrecision.Tf32x3,
        };
        float[] x = [.. Enumerable.Range(0, 70 * 64).Select(n => MathF.Sin(n * n % 997))];

        float[] few = Run(many with { SeqQ = 50 });

        Run(many)[..few.Length].Should().Equal(few);

        float[] Run(AttentionProblem p)
        {
            using DeviceTensor q = device.Upload(x[..(p.SeqQ * 64)], 1, 1, p.SeqQ, 64);
            using DeviceTensor k = device.Upload(x[640..(640 + (50 * 64))], 1, 1, 50, 64);
            using DeviceTensor o = device.Allocate(DType.Float32, 1, 1, p.SeqQ, 64);
            using AttentionPlan plan = device.Plan(p);
            plan.Run(new AttentionTensors { Q = q, K = k, V = k, O = o });
            return o.ToArray<float>();
        }
    }

    [Fact]
    public void Products_of_half_precision_run_on_them()
    {
        MatmulProblem product = new() { Type = DType.BFloat16, M = 130, N = 16, K = 40, TransposeB = true };
        Explain(product).Should().Contain("TensorMatmul bf16->bf16 64x64x64 A-k B-k: 3 groups")
            .And.Contain("on tensor cores; 64x64 tiles, 3 on 1 multiprocessors");
        Explain(product with { TypeC = DType.Float32, TransposeA = true, TransposeB = false })
            .Should().Contain("TensorMatmul bf16->fp32 64x64x64 A-outer B-outer");
        Explain(product with { Type = DType.Float32 }).Should().Contain(" TiledMatmul").And.Contain("fp32 is multiplied as fp32");
        Explain(product with { TypeA = DType.Float32 }).Should().Contain(" TiledMatmul").And.Contain("fp32 is multiplied as fp32");
        Explain(product with { SkipZeroA = true }).Should().Contain(" TiledMatmul").And.Contain("multiply a weight of 0");
        Explain(product with { Naive = true }).Should().Contain(" NaiveMatmul").And.Contain("in the baseline");
        foreach (MatmulProblem small in (MatmulProblem[])[product with { M = 15 }, product with { N = 15 }, product with { K = 15 }])
            Explain(small).Should().Contain(" TiledMatmul")
                .And.Contain($"blocks of 16, of which {small.M} x {small.N} x {small.K} leaves most empty");
        Explain(product with { M = 16, K = 16 }).Should().Contain(" TensorMatmul");
    }

    [Fact]
    public void Products_of_fp32_run_on_them_on_request()
    {
        MatmulProblem product = new() { M = 130, N = 16, K = 40, TransposeB = true, InputPrecision = InputPrecision.Tf32x3 };
        Explain(product).Should().Contain("Float32 as Tf32x3").And.Contain("TensorMatmul tf32x3->fp32 64x64x32 A-k B-k: 3 groups")
            .And.NotContain("products in fp32");
        Explain(product with { InputPrecision = InputPrecision.Tf32, TransposeB = false })
            .Should().Contain("TensorMatmul tf32->fp32 64x64x32 A-k B-outer");
        Explain(product with { M = 15 }).Should().Contain(" TiledMatmul").And.Contain("blocks of 16")
            .And.Contain("products in fp32, which are at least as exact as Tf32x3");
        using AttentionDevice cpu = AttentionDevice.Open("cpu");
        using MatmulPlan plan = cpu.Plan(product with { InputPrecision = InputPrecision.Tf32 });
        plan.Explain().Should().Contain("products in fp32, which are at least as exact as Tf32");
    }

    /// <summary>The largest tile that keeps all multiprocessors busy, if the device has the shared memory.</summary>
    [Fact]
    public void A_product_has_tiles_for_all_multiprocessors()
    {
        DeviceInfo h100 = new("cuda:0", "none", DeviceKind.Cuda) { ComputeUnits = 132, SharedMemoryPerGroup = 227 << 10 };
        MatmulProblem square = new() { Type = DType.Float16, M = 8192, N = 8192, K = 8192 };

        ProductTile(h100, square).Should().Be("128x256 tiles, 2048 on 132 multiprocessors: the tile that reads least");
        ProductTile(h100, square with { M = 4096, N = 4096 }).Should().StartWith("128x256 tiles, 512 on 132");
        ProductTile(h100, square with { M = 1024, N = 1024, K = 1024 }).Should().StartWith("64x64 tiles, 256 on 132")
            .And.Contain("of 128x128 there are 64");
        ProductTile(h100, square with { M = 1024, N = 1024 })
            .Should().StartWith("128x128 tiles, 64 on 132 multiprocessors, so few that K is summed in parts");
        ProductTile(h100, square with { M = 3072, N = 1536 }).Should().StartWith("128x128 tiles, 288 on 132")
            .And.Contain("of 128x256 there are 144");
        ProductTile(h100, square with { M = 128, N = 128 })
            .Should().StartWith("64x64 tiles, 4 on 132 multiprocessors, so few that K is summed in parts");
        ProductTile(h100, square with { M = 128, N = 128, K = 512 })
            .Should().StartWith("64x64 tiles, 4 on 132 multiprocessors:", "a second launch takes longer");
        ProductTile(h100 with { SharedMemoryPerGroup = 99 << 10 }, square)
            .Should().StartWith("128x128 tiles").And.Contain("128x256 needs 147456 bytes of shared memory, the device gives 101376");
        ProductTile(h100 with { SharedMemoryPerGroup = 48 << 10 }, square).Should().StartWith("64x64 tiles");
        MatmulProblem wide = square with { Type = DType.Float32, InputPrecision = InputPrecision.Tf32 };
        ProductTile(h100, wide).Should().StartWith("128x128 tiles, 4096 on 132");
        ProductTile(h100 with { SharedMemoryPerGroup = 48 << 10 }, wide).Should().StartWith("64x64 tiles");
        ProductTile(h100, wide with { InputPrecision = InputPrecision.Tf32x3 }).Should().StartWith("128x64 tiles, 8192 on 132");
    }

    private static string ProductTile(DeviceInfo device, MatmulProblem problem)
    {
        TensorMatmulChoice.Choose(device, problem, out _, out string why);
        return why;
    }

    /// <summary>Few rows, wide heads and little shared memory have tiles of their own; many multiprocessors want small ones.</summary>
    [Fact]
    public void The_tile_is_that_of_the_problem_and_the_device()
    {
        DeviceInfo h100 = new("cuda:0", "none", DeviceKind.Cuda) { ComputeUnits = 132, SharedMemoryPerGroup = 227 << 10 };
        AttentionProblem large = Sizes with { Batch = 16, SeqQ = 512, SeqKv = 512 };

        Tile(h100, large).Should().Be("128x64 D<=64: 32 query rows a warp share each load of K and V");
        Tile(h100, large with { HeadDim = 96 }).Should().StartWith("128x64 D<=96: 32 query rows");
        Tile(h100, large with { HeadDim = 96, SeqQ = 32 }).Should().StartWith("64x64 D<=96: 16 query rows a warp, since there are only 64");
        Tile(h100, large with { HeadDim = 97 }).Should().StartWith("128x32 D<=128: 32 query rows");
        Tile(h100, large with { SeqQ = 32 }).Should().Be("64x64 D<=64: 16 query rows a warp, since there are only 64");
        Tile(h100, large with { Batch = 8 })
            .Should().StartWith("64x64 D<=64: 16 query rows a warp, since 128 larger tiles leave some of 132");
        Tile(h100, large with { HeadDimV = 129 })
            .Should().Be("64x64 D<=256: 16 query rows a warp, whose O alone takes 128 registers a lane");
        Tile(h100 with { SharedMemoryPerGroup = 48 << 10 }, large with { HeadDim = 256 })
            .Should().EndWith("fewer keys than a tile of 98304 bytes, since the device gives 49152").And.StartWith("64x16 D<=256");
        Fp16Tiles.Choose(h100, large with { HeadDim = 257 }, 1, out string tooWide).Should().BeNull();
        tooWide.Should().Be("O of heads wider than 256 does not fit into a lane's 255 registers");
    }

    private static string Tile(DeviceInfo device, AttentionProblem problem)
    {
        KernelEntry entry = Fp16Tiles.Choose(device, problem, 1, out string why)!.Entry;
        return $"{entry.Name["TensorFlashForward fp16 ".Length..^" PlainScore".Length]}: {why}";
    }

    [Fact]
    public void A_device_without_them_refuses_their_kernels_and_plans_others()
    {
        using AttentionDevice without = AttentionDevice.Open("simulator", new DeviceOptions { Simulator = SimulatorOptions.Smallest });
        using AttentionPlan plan = without.Plan(Sizes);
        plan.Explain().Should().Contain(": FlashForward fp16").And.Contain("no tensor cores on this device");

        Action load = () => ((KernelDevice)without.Backend).Load(Fp16Tiles.Entries[0]);

        load.Should().Throw<NotSupportedException>().WithMessage("*TensorFlashForward*compute capability 8.0*simulator has none*");
    }

    [Fact]
    public void One_infinity_among_hidden_values_stays_hidden()
    {
        AttentionProblem problem = new()
        {
            Type = DType.Float16, Batch = 1, HeadsQ = 1, HeadsKv = 1, SeqQ = 16, SeqKv = 16, HeadDim = 16, Causal = CausalMask.TopLeft,
        };
        foreach (int column in (int[])[4, 5])
        {
            Half[] values = [.. Enumerable.Repeat((Half)0.5f, 256)];
            values[15 * 16 + column] = Half.PositiveInfinity; // of the key that the last query alone sees
            using DeviceTensor x = device.Allocate(DType.Float16, 1, 1, 16, 16), v = device.Upload(values, 1, 1, 16, 16);
            using DeviceTensor o = device.Allocate(DType.Float16, 1, 1, 16, 16);
            using AttentionPlan plan = device.Plan(problem);

            plan.Run(new AttentionTensors { Q = x, K = x, V = v, O = o });

            o.ToArray<Half>()[..240].Should().OnlyContain(value => value == (Half)0.5f);
            o.ToArray<Half>()[240 + column].Should().Be(Half.PositiveInfinity);
        }
    }

    private void Portable(AttentionProblem problem, string reason) =>
        Explain(problem).Should().Contain(" FlashForward").And.Contain(reason).And.NotContain("TensorFlash");

    private string Explain(MatmulProblem problem)
    {
        using MatmulPlan plan = device.Plan(problem);
        return plan.Explain();
    }

    private string Explain(AttentionProblem problem)
    {
        using AttentionPlan plan = device.Plan(problem);
        return plan.Explain();
    }
}
#endif
