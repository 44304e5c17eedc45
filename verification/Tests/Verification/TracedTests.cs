using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>At 16,384 keys the bounds see one key that is lost, taken twice or swapped, in every type.</summary>
public class TracedTests
{
    private const int Keys = 16384;

    /// <summary>First and last of key tiles and splits, and some between.</summary>
    private static readonly int[] Checked =
    [
        0, 1, 31, 32, 63, 64, 127, 128, 255, 256, 257, 511, 512, 1023, 1024, 4095, 4096, 5000, 8191, 8192, 12345, 16127, 16128, 16382,
            16383,
    ];

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void A_lost_a_doubled_and_a_swapped_key_exceed_the_bounds(DType type)
    {
        AttentionProblem problem = new() { Batch = 1, HeadsQ = 1, SeqQ = 64, SeqKv = Keys, HeadDim = 64, Type = type };
        Seeded random = new(7);
        ScoreRule rule = new() { Scale = problem.ScoreScale };
        HostTensor q = TracedKeys.Queries(problem, rule);
        HostTensor k = TracedKeys.Rows(problem, random, 1, type, 64), v = TracedKeys.Rows(problem, random, 2, type, 64);
        Expected right = References.Attention(q, k, v, rule).O;

        Comparison.Of(right, Plain.Attention(q, k, v, rule).Values).Worst.Should().BeLessThan(1);
        int[] all = [.. Enumerable.Range(0, Keys)];
        foreach (int j in Checked)
        {
            int[] swapped = [.. all];
            (int a, int b) = (j, (j + 1) % Keys);
            (swapped[a], swapped[b]) = (b, a);
            int[] without = [.. all.Where(n => n != j)], twice = [.. all.Append(j)];
            Worst(without, without).Should().BeGreaterThan(5, $"key {j} is lost");
            Worst(twice, twice).Should().BeGreaterThan(5, $"key {j} is taken twice");
            Worst(all, swapped).Should().BeGreaterThan(5, $"the values of keys {a} and {b} are swapped");

            // The row whose class is the key's, of an attention that is right but for its keys.
            double Worst(int[] keysOfK, int[] keysOfV)
            {
                int row = Enumerable.Range(0, 64).Single(i => q.Row(0, 0, i)[j % 64] != 0);
                float[] o = Plain.Attention(q, Taken(k, keysOfK), Taken(v, keysOfV), rule, [row]).Values;
                return Enumerable.Range(0, 64).Max(d => Math.Abs(o[d] - right.Values[(row * 64) + d]) / right.Bounds[(row * 64) + d]);
            }
        }
    }

    [Fact]
    public void Every_key_has_a_query_that_sees_it()
    {
        AttentionProblem problem = new() { Batch = 2, HeadsQ = 6, HeadsKv = 2, SeqQ = 4, SeqKv = 30, HeadDim = 12 };
        HostTensor q = TracedKeys.Queries(problem, new ScoreRule { Scale = 1 });
        for (int b = 0; b < 2; b++)
            for (int headKv = 0; headKv < 2; headKv++)
            {
                var classes = Enumerable.Range(0, 12).Select(r => q.Row(b, (headKv * 3) + (r / 4), r % 4).IndexOf(12f));
                classes.Should().BeEquivalentTo(Enumerable.Range(0, 12));
            }
    }

    [Fact]
    public void The_plain_rule_sees_a_sample_of_rows()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        AttentionProblem problem = new() { Batch = 1, HeadsQ = 2, SeqQ = 65, SeqKv = 300, HeadDim = 64 };
        CaseResult result = (new AttentionCase(problem, new CaseOptions(), "plain", CaseSize.Normal) with { SampledRows = 16 }).Run(device);
        result.Outcome.Should().Be(Outcome.Passed);
        result.AgainstPlain.Should().BePositive().And.BeLessThanOrEqualTo(1);
    }

    private static HostTensor Taken(HostTensor tensor, int[] keys)
    {
        int dim = tensor.Shape[3];
        float[] values = new float[keys.Length * dim];
        for (int n = 0; n < keys.Length; n++)
            tensor.Row(0, 0, keys[n]).CopyTo(values.AsSpan(n * dim));
        return new HostTensor(tensor.Type, values, 1, 1, keys.Length, dim);
    }
}
