using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The bounds hold for honest computations and are exceeded by every known mistake.</summary>
public class BoundTests
{
    private const int Batch = 2;
    private const int HeadsQ = 6;
    private const int HeadsKv = 3;
    private const int Queries = 33;
    private const int Keys = 77;
    private const int HeadDim = 40;
    private const int HeadDimV = 24;

    /// <summary>A rule in which everything is at work, so that each mistake has something to break.</summary>
    private static ScoreRule EveryFeature() => new()
    {
        Scale = 1 / Math.Sqrt(HeadDim),
        Softcap = 3,
        Causal = true,
        Offset = 30,
        WindowLeft = 40,
        KeyLengths = new HostTensor(DType.Int32, [61, 70], 2),
        Mask = new Seeded(3).Booleans(7, 0.9, Batch, 1, Queries, Keys),
        Bias = new Seeded(3).Normals(8, DType.Float32, 1, 1, HeadsQ, Queries, Keys),
        AlibiSlopes = new HostTensor(DType.Float32, [0.1f, 0.2f, 0.05f, 0.3f, 0.15f, 0.25f], HeadsQ),
    };

    private static (HostTensor Q, HostTensor K, HostTensor V) Data(DType type, double logits)
    {
        Seeded random = new(42);
        return (random.Normals(0, type, logits, Batch, HeadsQ, Queries, HeadDim),
            random.Normals(1, type, 1, Batch, HeadsKv, Keys, HeadDim),
            random.Normals(2, type, 1, Batch, HeadsKv, Keys, HeadDimV));
    }

    [Theory]
    [InlineData(DType.Float32, 1)]
    [InlineData(DType.Float32, 50)]
    [InlineData(DType.Float16, 1)]
    [InlineData(DType.BFloat16, 1)]
    public void Hold_for_tiled_and_plain_attention(DType type, double logits)
    {
        (HostTensor q, HostTensor k, HostTensor v) = Data(type, logits);
        foreach (ScoreRule rule in (ScoreRule[])[EveryFeature(), new ScoreRule { Scale = 1 / Math.Sqrt(HeadDim) }])
        {
            ExpectedAttention expected = References.Attention(q, k, v, rule);
            (float[] o, float[] lse) = TiledAttention.Run(q, k, v, rule);
            Comparison.Of(expected.O, o).Should().Match<Comparison>(c => c.Passed);
            Comparison.Of(expected.Lse, lse).Should().Match<Comparison>(c => c.Passed);
            Comparison.Of(expected.O, Plain.Attention(q, k, v, rule).Values).Should().Match<Comparison>(c => c.Passed);
        }
    }

    /// <summary>Every mistake, in the plainest setting in which it makes a difference.</summary>
    public static TheoryData<Breakage> Breakages => [.. Enum.GetValues<Breakage>().Where(b => b != Breakage.None)];

    [Theory]
    [MemberData(nameof(Breakages))]
    public void Are_exceeded_by(Breakage broken)
    {
        (HostTensor q, HostTensor k, HostTensor v) = Data(DType.Float32, broken is Breakage.NoMaximum or Breakage.StaleMaximum ? 50 : 1);
        ScoreRule rule = EveryFeature();
        rule = broken switch
        {
            Breakage.LastKeyDropped or Breakage.KeysPastTileDropped => new ScoreRule { Scale = rule.Scale },
            Breakage.NoMaximum or Breakage.StaleMaximum => new ScoreRule { Scale = 1 },
            Breakage.MaskedRowUniform or Breakage.FiniteMask => rule with { KeyLengths = new HostTensor(DType.Int32, [0, 70], 2) },
            Breakage.AlibiSigned => rule with { Causal = false },
            _ => rule,
        };

        ExpectedAttention expected = References.Attention(q, k, v, rule);
        (float[] o, float[] lse) = TiledAttention.Run(q, k, v, rule, broken);

        Math.Max(Comparison.Of(expected.O, o).Worst, Comparison.Of(expected.Lse, lse).Worst).Should().BeGreaterThan(2);
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Are_within_a_factor_of_the_error_of_the_plain_computation(DType type)
    {
        // A bound is only worth something if an honest computation comes near it.
        (HostTensor q, HostTensor k, HostTensor v) = Data(type, 1);
        ScoreRule rule = new() { Scale = 1 / Math.Sqrt(HeadDim) };
        Comparison.Of(References.Attention(q, k, v, rule).O, Plain.Attention(q, k, v, rule).Values).Worst.Should().BeGreaterThan(0.005);
    }

    [Theory]
    [InlineData(false, DType.Float32)]
    [InlineData(true, DType.Float32)]
    [InlineData(false, DType.Float16)]
    [InlineData(true, DType.BFloat16)]
    public void Hold_for_plain_softmax_and_are_exceeded_by_a_lost_column(bool log, DType type)
    {
        HostTensor x = new Seeded(5).Normals(0, type, 2, 1, 2, 5, 129);
        ScoreRule rule = new() { Scale = 0.7 }, broken = rule with { WindowRight = 123 };
        Expected y = References.Softmax(x, rule, log, type).Y;
        Comparison.Of(y, Plain.Softmax(x, rule, log, type).Values).Should().Match<Comparison>(c => c.Passed);
        Comparison.Of(y, Plain.Softmax(x, broken, log, type).Values).Worst.Should().BeGreaterThan(2);
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Hold_for_plain_matmul_and_are_exceeded_by_a_lost_term(DType type)
    {
        Seeded random = new(9);
        MatmulReference m = new()
        {
            A = random.Normals(0, type, 1, 2, 17, 65),
            B = random.Normals(1, type, 1, 2, 65, 37),
            C0 = random.Normals(2, type, 1, 2, 17, 37),
            Alpha = 0.5f,
            Beta = 2,
            TypeC = type,
        };
        float[] shortened = (float[])m.A.Values.Clone();
        for (int n = 64; n < shortened.Length; n += 65)
            shortened[n] = 0;
        Expected c = References.Matmul(m);
        Comparison.Of(c, Plain.Matmul(m).Values).Should().Match<Comparison>(r => r.Passed);
        Comparison.Of(c, Plain.Matmul(m with { A = new HostTensor(type, shortened, 2, 17, 65) }).Values).Worst.Should().BeGreaterThan(2);
    }
}
