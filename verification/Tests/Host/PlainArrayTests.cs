namespace AttnKernels.Tests.Host;

public class PlainArrayTests
{
    [Fact]
    public void Matmul_of_arrays()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        float[] c = device.Matmul([1, 2, 3, 4, 5, 6], [1, 0, 0, 1, 1, 1], new MatmulProblem { M = 2, N = 2, K = 3 });
        c.Should().Equal(4, 5, 10, 11);
    }

    [Fact]
    public void Matmul_of_transposed_arrays_in_half_precision()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        MatmulProblem problem = new() { M = 2, N = 2, K = 3, TransposeA = true, TransposeB = true, Type = DType.Float16 };
        float[] c = device.Matmul([1, 4, 2, 5, 3, 6], [1, 0, 1, 0, 1, 1], problem);
        c.Should().Equal(4, 5, 10, 11);
    }

    [Fact]
    public void Causal_softmax_of_an_array()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        SoftmaxProblem problem = new() { Rows = 2, Columns = 2, Causal = CausalMask.TopLeft };
        float[] y = device.Softmax([7, 100, 0, MathF.Log(3)], problem);
        y.Should().BeEquivalentTo([1f, 0f, 0.25f, 0.75f], o => o.WithStrictOrdering().Using<float>(
            c => c.Subject.Should().BeApproximately(c.Expectation, 1e-6f)).WhenTypeIs<float>());
    }

    [Fact]
    public void Attention_of_arrays_averages_the_values_of_equal_keys()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        AttentionProblem problem = new()
        { Batch = 1, HeadsQ = 1, SeqQ = 2, SeqKv = 2, HeadDim = 1, HeadDimV = 2, Causal = CausalMask.BottomRight };
        float[] o = device.Attention([1, 1], [2, 2], [10, 20, 30, 40], problem);
        o[0].Should().BeApproximately(10, 1e-5f);
        o[1].Should().BeApproximately(20, 1e-5f);
        o[2].Should().BeApproximately(20, 1e-5f);
        o[3].Should().BeApproximately(30, 1e-5f);
    }

    [Fact]
    public void Keys_of_another_type_are_stored_as_that_type()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        AttentionProblem problem = new() { Batch = 1, HeadsQ = 1, SeqQ = 1, SeqKv = 1, HeadDim = 1, KvType = DType.Float16 };
        device.Attention([1], [1], [1 + (1f / 2048)], problem).Should().Equal(1);
    }

    [Fact]
    public void Every_tensor_that_a_problem_may_need_is_among_its_optional_ones()
    {
        AttentionProblem plain = new() { Batch = 1, HeadsQ = 1, SeqQ = 4, SeqKv = 4, HeadDim = 4 };
        AttentionProblem all = plain with
        {
            KeyLengths = true,
            Mask = true,
            Bias = true,
            Alibi = true,
            Sinks = true,
            HeadScales = true,
            Documents = true,
            Lse = true,
            Weights = true,
            Blocks = new BlockSparsity(1, 1),
            Kv = KvLayout.Paged(1, 4),
            KvType = DType.Int8,
            Packed = new PackedSequences(4, 4),
            Rotary = new RotaryForm(4, 4, Positions: true),
        };
        string[] always = ["Q", "K", "V", "O"], ofRules = ["RuleFloats", "RuleInts"];
        IEnumerable<string> tensors = typeof(AttentionTensors).GetProperties().Select(p => p.Name);
        plain.OptionalTensors.Should().BeEmpty();
        all.OptionalTensors.Should().BeEquivalentTo(tensors.Except(always).Except(ofRules));
    }

    [Fact]
    public void Conveniences_refuse_what_needs_a_tensor()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        Action attention = () => device.Attention([1], [1], [1],
            new AttentionProblem { Batch = 1, HeadsQ = 1, SeqQ = 1, SeqKv = 1, HeadDim = 1, Mask = true });
        attention.Should().Throw<NotSupportedException>().WithMessage("*Mask*");
        Action sinks = () => device.Softmax([1], new SoftmaxProblem { Rows = 1, Columns = 1, Sinks = true, Lse = true });
        sinks.Should().Throw<NotSupportedException>().WithMessage("*(Sinks, Lse)*");
        Action matmul = () => device.Matmul([1], [1], new MatmulProblem { M = 1, N = 1, K = 1, Beta = 1 });
        matmul.Should().Throw<NotSupportedException>().WithMessage("*beta*");
    }
}
