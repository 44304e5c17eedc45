using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The references against values worked out by hand.</summary>
public class ReferenceTests
{
    [Fact]
    public void Matmul_of_two_by_two()
    {
        MatmulReference m = new()
        {
            A = new HostTensor(DType.Float32, [1, 2, 3, 4], 1, 2, 2),
            B = new HostTensor(DType.Float32, [5, 6, 7, 8], 1, 2, 2),
            C0 = new HostTensor(DType.Float32, [1, 1, 1, 1], 1, 2, 2),
            Bias = new HostTensor(DType.Float32, [100, 200], 2),
            Alpha = 2,
            Beta = -1,
        };

        // A B = [19 22; 43 50]
        References.Matmul(m).Values.Should().Equal(137, 243, 185, 299);
    }

    // Values of erf: Abramowitz and Stegun, table 7.1.
    [Theory]
    [InlineData(0, 0), InlineData(0.5, 0.5204998778), InlineData(1, 0.8427007929)]
    [InlineData(2, 0.9953222650), InlineData(-1, -0.8427007929), InlineData(7, 1)]
    public void Erf_has_the_tables_values(double z, double value) => ActivationReference.Erf(z).Should().BeApproximately(value, 1e-10);

    [Fact]
    public void Activations_follow_their_formulas()
    {
        // x Phi(x) with Phi(1) = 0.8413447461 (the same, table 26.1); 1 / (1 + e^-1); (1 + tanh(sqrt(2 / pi) 1.044715)) / 2.
        ActivationReference.Apply(Activation.Gelu, 1).Should().BeApproximately(0.8413447461, 1e-10);
        ActivationReference.Apply(Activation.Gelu, -1).Should().BeApproximately(-0.1586552539, 1e-10);
        ActivationReference.Apply(Activation.Silu, 1).Should().BeApproximately(0.7310585786, 1e-10);
        ActivationReference.Apply(Activation.GeluTanh, 1).Should().BeApproximately(0.8411919906, 1e-10);
        ActivationReference.Apply(Activation.Relu, -1).Should().Be(0);
    }

    [Fact]
    public void Matmul_reads_transposed_operands_and_shares_B_in_groups()
    {
        MatmulReference m = new()
        {
            A = new HostTensor(DType.Float32, [1, 3, 2, 4, 1, 3, 2, 4], 2, 2, 2),
            B = new HostTensor(DType.Float32, [5, 7, 6, 8], 1, 2, 2),
            TransposeA = true,
            TransposeB = true,
            GroupB = 2,
        };

        References.Matmul(m).Values.Should().Equal(19, 22, 43, 50, 19, 22, 43, 50);
    }

    [Fact]
    public void Attention_of_one_query_and_two_keys()
    {
        // Scores 0 and log 3: weights 1/4 and 3/4.
        HostTensor q = new(DType.Float32, [1], 1, 1, 1, 1), k = new(DType.Float32, [0, 1], 1, 1, 2, 1);
        HostTensor v = new(DType.Float32, [4, 8, 0, 16], 1, 1, 2, 2);

        ExpectedAttention result = References.Attention(q, k, v, new ScoreRule { Scale = Math.Log(3) }, weights: true);

        result.P!.Values[0].Should().BeApproximately(0.25, 1e-15);
        result.P.Values[1].Should().BeApproximately(0.75, 1e-15);
        result.O.Values[0].Should().BeApproximately(1, 1e-15);
        result.O.Values[1].Should().BeApproximately(14, 1e-14);
        result.Lse.Values[0].Should().BeApproximately(Math.Log(4), 1e-15);
    }

    [Fact]
    public void Score_is_scaled_then_capped_then_biased_then_loses_alibi()
    {
        HostTensor x = new(DType.Float32, [3, 0], 1, 1, 1, 2);
        ScoreRule rule = new()
        {
            Scale = 0.5,
            Softcap = 2,
            Bias = new HostTensor(DType.Float32, [0.25f, -1], 1, 1, 1, 2),
            AlibiSlopes = new HostTensor(DType.Float32, [0.5f], 1),
        };
        ScoreRow row = new(2);

        row.FromLogits(x.Row(0, 0, 0), rule, 0, 0, 0, 1);

        row.Score[0].Should().BeApproximately((2 * Math.Tanh(0.75)) + 0.25, 1e-15);
        row.Score[1].Should().BeApproximately(-1 - 0.5, 1e-15);
    }

    [Fact]
    public void Row_that_sees_nothing_is_zero_with_lse_minus_infinity()
    {
        HostTensor q = new(DType.Float32, [1], 1, 1, 1, 1), k = new(DType.Float32, [float.NaN], 1, 1, 1, 1);
        ScoreRule rule = new() { Mask = new HostTensor(DType.Bool, [0], 1, 1, 1, 1) };

        ExpectedAttention result = References.Attention(q, k, k, rule, weights: true);

        result.O.Values.Should().Equal(0);
        result.O.Bounds.Should().Equal(0);
        result.P!.Values.Should().Equal(0);
        result.Lse.Values.Should().Equal(double.NegativeInfinity);
    }

    [Fact]
    public void Hidden_nan_reaches_nothing_and_visible_nan_only_its_rows()
    {
        // Three queries, three keys, causal; key 1 is NaN: row 0 does not see it, rows 1 and 2 do.
        HostTensor q = new(DType.Float32, [1, 1, 1], 1, 1, 3, 1), k = new(DType.Float32, [1, float.NaN, 1], 1, 1, 3, 1);
        HostTensor v = new(DType.Float32, [5, 6, 7], 1, 1, 3, 1);

        double[] o = References.Attention(q, k, v, new ScoreRule { Causal = true }).O.Values;

        o[0].Should().Be(5);
        o[1].Should().Be(double.NaN);
        o[2].Should().Be(double.NaN);
    }

    [Theory]
    [InlineData(0, false, "100 110 111 111 111")]
    [InlineData(0, true, "000 000 100 110 111")]
    [InlineData(1, false, "110 111 111 111 111")]
    [InlineData(-2, false, "000 000 100 110 111")]
    public void Causal_alignment(int offset, bool bottomRight, string expected) =>
        Pattern(new ScoreRule
        {
            Causal = true, Offset = offset,
            Alignment = bottomRight ? KeyAlignment.BottomRight : KeyAlignment.Offset
        }, 5, 3)
            .Should().Be(expected);

    [Theory]
    [InlineData(1, 1, "1100 1110 0111 0011")]
    [InlineData(0, null, "1111 0111 0011 0001")]
    [InlineData(null, 2, "1110 1111 1111 1111")]
    public void Window(int? left, int? right, string expected) =>
        Pattern(new ScoreRule { WindowLeft = left, WindowRight = right }, 4, 4).Should().Be(expected);

    [Fact]
    public void Bottom_right_follows_the_key_length()
    {
        HostTensor lengths = new(DType.Int32, [3], 1);
        Pattern(new ScoreRule { Causal = true, Alignment = KeyAlignment.BottomRight, KeyLengths = lengths }, 2, 5).Should()
            .Be("11000 11100");
    }

    [Fact]
    public void Bias_of_minus_infinity_hides()
    {
        HostTensor bias = new(DType.Float32, [0, float.NegativeInfinity, 0], 1, 1, 1, 3);
        Pattern(new ScoreRule { Bias = bias }, 2, 3).Should().Be("101 101");
    }

    [Fact]
    public void Log_softmax_is_the_logarithm_of_softmax()
    {
        HostTensor x = new Seeded(1).Normals(0, DType.Float32, 3, 1, 2, 5, 37);
        double[] y = References.Softmax(x, new ScoreRule(), log: false, DType.Float32).Y.Values;
        double[] log = References.Softmax(x, new ScoreRule(), log: true, DType.Float32).Y.Values;
        for (int n = 0; n < y.Length; n++)
            Math.Exp(log[n]).Should().BeApproximately(y[n], 1e-14);
    }

    [Fact]
    public void Storage_types_round_to_nearest_even()
    {
        HostTensor.Round(DType.BFloat16, 1 + (1f / 256)).Should().Be(1);
        HostTensor.Round(DType.BFloat16, 1 + (3f / 256)).Should().Be(1 + (4f / 256));
        HostTensor.Round(DType.Float16, 1 + (1f / 2048)).Should().Be(1);
        HostTensor.Round(DType.Float16, 1 + (3f / 2048)).Should().Be(1 + (4f / 2048));
    }

    private static string Pattern(ScoreRule rule, int queries, int keys) =>
        string.Join(' ', Enumerable.Range(0, queries).Select(i =>
            string.Concat(Enumerable.Range(0, keys).Select(j => rule.Sees(0, 0, i, j, queries, keys) ? '1' : '0'))));
}
