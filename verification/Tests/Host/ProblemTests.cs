namespace AttnKernels.Tests.Host;

public class ProblemTests
{
    private static readonly AttentionProblem Valid = new() { Batch = 2, HeadsQ = 4, SeqQ = 5, SeqKv = 9, HeadDim = 8 };

    public static TheoryData<AttentionProblem, string> BadAttention => new()
    {
        { Valid with { Batch = 0 }, "*Batch must be between 1 and*is 0*" },
        { Valid with { HeadsKv = 3 }, "*HeadsQ (4)*multiple of HeadsKv (3)*" },
        { Valid with { HeadDim = -1 }, "*HeadDim*-1*" },
        { Valid with { SeqKv = 0 }, "*SeqKv*0*" },
        { Valid with { SeqQ = int.MaxValue }, "SeqQ must be*2147483647*(Parameter 'SeqQ')*" },
        { Valid with { Type = DType.Int32 }, "*Type*Float32, Float16 or BFloat16*Int32*" },
        { Valid with { Scale = float.NaN }, "*Scale must be finite*NaN*" },
        { Valid with { Softcap = -1 }, "*Softcap*-1*" },
        { Valid with { WindowLeft = -1 }, "*WindowLeft*-1*" },
        { Valid with { WindowLeft = 3 }, "*5 queries and 9 keys*needs Alignment*" },
        { Valid with { SeqQ = 9, WindowRight = 3, KeyLengths = true }, "*variable length*needs Alignment*" },
        { Valid with { Alibi = true }, "*ALiBi*needs Alignment*" },
        {
            Valid with { Causal = CausalMask.TopLeft, Alignment = BandAlignment.BottomRight },
            "*Alignment is BottomRight*causal mask is aligned TopLeft*"
        },
        { Valid with { Bias = true, BiasType = DType.Bool }, "*BiasType*Bool*" },
        { Valid with { Type = DType.Float16, InputPrecision = InputPrecision.Tf32x3 },
            "*InputPrecision Tf32x3 is for Type Float32*Float16*" },
        { Valid with { InputPrecision = InputPrecision.Tf32 }, "InputPrecision Tf32 is for matmul; attention*Tf32x3*" },
        { Valid with { InputPrecision = (InputPrecision)7 }, "*InputPrecision is 7*" },
        { Valid with { Batch = int.MaxValue, HeadsQ = int.MaxValue, SeqQ = 1 << 20 }, "*more than 2^63 bytes*" },
    };

    [Theory, MemberData(nameof(BadAttention))]
    public void A_bad_problem_says_what_is_wrong(AttentionProblem problem, string message) =>
        FluentActions.Invoking(problem.Validate).Should().Throw<ArgumentException>().WithMessage(message);

    [Fact]
    public void The_rows_of_a_softmax_are_named_as_its_own()
    {
        Action columns = new SoftmaxProblem { Rows = 1, Columns = 0 }.Validate;
        columns.Should().Throw<ArgumentException>().WithMessage("Columns must be*").Which.ParamName.Should().Be("Columns");
    }

    [Fact]
    public void One_batch_entry_is_the_default_everywhere()
    {
        new AttentionProblem { HeadsQ = 1, SeqQ = 1, SeqKv = 1, HeadDim = 1 }.Batch.Should().Be(1);
        new CacheAppendProblem { Heads = 1, Capacity = 1, Rows = 1, HeadDim = 1 }.Batch.Should().Be(1);
        new MergeProblem { Parts = 1, Heads = 1, Seq = 1, HeadDim = 1 }.Batch.Should().Be(1);
        new RotaryProblem { Heads = 1, Seq = 1, HeadDim = 2 }.Batch.Should().Be(1);
    }

    [Fact]
    public void An_append_counts_what_quantising_costs()
    {
        CacheAppendProblem append = new() { Batch = 2, Heads = 3, Capacity = 8, Rows = 4, HeadDim = 5 };
        (append.Flops, (append with { CacheType = DType.Int8 }).Flops).Should().Be((0, 240));
    }

    [Fact]
    public void A_bad_matmul_says_what_is_wrong()
    {
        MatmulProblem valid = new() { M = 2, N = 3, K = 4 };
        valid.Validate();
        FluentActions.Invoking((valid with { K = 0 }).Validate).Should().Throw<ArgumentException>().WithMessage("*K must be*0*");
        FluentActions.Invoking((valid with { Batch1 = 4, GroupB = 3 }).Validate)
            .Should().Throw<ArgumentException>().WithMessage("*Batch1 (4)*GroupB (3)*");
        FluentActions.Invoking((valid with { TypeB = DType.Bool }).Validate)
            .Should().Throw<ArgumentException>().WithMessage("*TypeB*Bool*");
        FluentActions.Invoking((valid with { Alpha = float.NaN }).Validate).Should().Throw<ArgumentException>().WithMessage("*Alpha*");
        FluentActions.Invoking((valid with { Activation = (Activation)5 }).Validate)
            .Should().Throw<ArgumentException>().WithMessage("*Activation must be one of None, Relu, Gelu, GeluTanh, Silu, is 5*")
            .WithParameterName("Activation");
        FluentActions.Invoking((valid with { Activation = Activation.Silu, SkipZeroA = true }).Validate)
            .Should().Throw<ArgumentException>().WithParameterName("Activation");
        (valid with { Activation = Activation.Silu }).ToString().Should().EndWith(", Silu");
        (valid with { InputPrecision = InputPrecision.Tf32 }).ToString().Should().Be("matmul 2x3x4 Float32 as Tf32");
        foreach (MatmulProblem narrow in (MatmulProblem[])[valid with { TypeA = DType.Float16 }, valid with { TypeB = DType.BFloat16 }])
            FluentActions.Invoking((narrow with { InputPrecision = InputPrecision.Tf32x3 }).Validate)
                .Should().Throw<ArgumentException>()
                .WithMessage($"*InputPrecision Tf32x3 is for TypeA and TypeB Float32, which are {narrow.TypeA} and {narrow.TypeB}*");
        FluentActions.Invoking((valid with { InputPrecision = (InputPrecision)7 }).Validate).Should().Throw<ArgumentException>()
            .WithMessage("*InputPrecision is 7*");
    }

    [Fact]
    public void Defaults_follow_the_required_sizes()
    {
        Valid.HeadsKv.Should().Be(4);
        Valid.HeadDimV.Should().Be(8);
        (Valid with { HeadDim = 64 }).EffectiveScale.Should().Be(0.125f);
        (Valid with { HeadDim = 16 }).HeadDimV.Should().Be(16, "a default that was not set follows the new value");
        (Valid with { Batch = 2 }).Should().Be(Valid);
        new MatmulProblem { M = 1, N = 1, K = 1, Type = DType.Float16, TypeC = DType.Float32 }.TypeB.Should().Be(DType.Float16);
    }

    // (seqQ, seqKv, mask): the closed form against counting.
    [Fact]
    public void Flops_count_the_visible_pairs()
    {
        int[] sizes = [1, 2, 5, 9];
        int?[] windows = [null, 0, 1, 3, 20];
        CausalMask[] masks = [CausalMask.None, CausalMask.TopLeft, CausalMask.BottomRight, CausalMask.At(3), CausalMask.At(-4)];
        foreach (int seqQ in sizes)
            foreach (int seqKv in sizes)
                foreach (int? left in windows)
                    foreach (int? right in windows)
                        foreach (CausalMask causal in masks)
                        {
                            AttentionProblem problem = Valid with
                            {
                                SeqQ = seqQ,
                                SeqKv = seqKv,
                                Causal = causal,
                                WindowLeft = left,
                                WindowRight = right,
                                HeadDimV = 3,
                                Alignment = causal == CausalMask.None ? BandAlignment.BottomRight : null,
                            };
                            problem.Validate();
                            problem.Flops.Should().Be(2.0 * 2 * 4 * Count(problem) * (8 + 3), problem.ToString());
                        }
    }

    [Fact]
    public void Sizes_beyond_32_bits_are_counted()
    {
        AttentionProblem problem = Valid with { SeqQ = 1 << 20, SeqKv = 1 << 20, Causal = CausalMask.TopLeft };
        problem.Flops.Should().BeApproximately(4.0 * 8 * 8 * Math.Pow(2, 39), 1e9);
        (Valid with { SeqQ = 1 << 20, SeqKv = 1 << 20, Weights = true }).Bytes.Should().BeGreaterThan(Math.Pow(2, 40));
        new MatmulProblem { M = 1 << 20, N = 1 << 20, K = 1 << 20 }.Flops.Should().Be(Math.Pow(2, 61));
    }

    [Fact]
    public void Bytes_count_every_tensor_once()
    {
        (Valid with { HeadsKv = 2, Type = DType.Float16, Lse = true }).Bytes
            .Should().Be((2 * ((2 * 4 * 5) + (2 * 2 * 9)) * (8 + 8)) + (4 * 2 * 4 * 5));
        new SoftmaxProblem { Rows = 3, Columns = 5, OutputType = DType.BFloat16 }.Bytes.Should().Be(3 * 5 * (4 + 2));
        new MatmulProblem { M = 2, N = 3, K = 4, Beta = 1, Bias = true }.Bytes.Should().Be(4 * ((2 * 4) + (4 * 3) + (2 * 2 * 3) + 3));
    }

    [Fact]
    public void Problems_describe_themselves() =>
        (Valid with { HeadsKv = 2, Causal = CausalMask.BottomRight, WindowLeft = 4, KeyLengths = true }).ToString()
            .Should().Be("attention B2 Hq4 Hkv2 Sq5 Skv9 D8 Float32, causal BottomRight, window (4, -) BottomRight, key lengths");

    private static long Count(AttentionProblem p)
    {
        int shift = p.Causal.Alignment?.Offset ?? 0;
        if (p.Causal.Alignment is null || p.Causal.Alignment.Value.FollowsEnd) shift += p.SeqKv - p.SeqQ;
        long pairs = 0;
        for (int i = 0; i < p.SeqQ; i++)
        {
            for (int j = 0; j < p.SeqKv; j++)
            {
                bool causal = p.Causal == CausalMask.None || j <= i + shift;
                bool left = p.WindowLeft is not { } l || j >= i + shift - l;
                bool right = p.WindowRight is not { } r || j <= i + shift + r;
                if (causal && left && right) pairs++;
            }
        }
        return pairs;
    }
}
