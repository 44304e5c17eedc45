using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

public sealed class SimdAttentionTests
{
    private static readonly KeyBand Causal = new(0, true, KeyBand.Unlimited, 0);

    public static TheoryData<int, int> Lengths()
    {
        var data = new TheoryData<int, int>();
        int[] sizes = [1, 17, 37, 64, 65, 127, 129, 501];
        foreach (int q in sizes)
        {
            foreach (int kv in sizes) data.Add(q, kv);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Every_pair_of_lengths_plain_and_causal(int seqQ, int seqKv)
    {
        foreach (var band in new[] { KeyBand.All, Causal, new KeyBand(3, false, 20, 5) })
        {
            using var problem = new AttentionCase
            {
                Batch = 1, HeadsQ = 2, HeadsKv = 1, SeqQ = seqQ, SeqKv = seqKv, HeadDim = 24, HeadDimV = 17, Band = band,
            };
            Verify(problem);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(15, 15)]
    [InlineData(37, 64)]
    [InlineData(64, 64)]
    [InlineData(80, 80)]
    [InlineData(128, 1)]
    [InlineData(256, 256)]
    [InlineData(64, 300)]
    public void Every_head_dim_in_every_type(int headDim, int headDimV)
    {
        foreach (var type in new[] { DType.Float32, DType.Float16, DType.BFloat16 })
        {
            foreach (int seqQ in new[] { 1, 33 })
            {
                using var problem = new AttentionCase
                {
                    Batch = 2, HeadsQ = 3, HeadsKv = 3, SeqQ = seqQ, SeqKv = 141, HeadDim = headDim, HeadDimV = headDimV, Type = type,
                    Band = Causal, Interleaved = true, KeyLengths = [141, 70],
                };
                Verify(problem);
            }
        }
    }

    [Fact]
    public void Every_combination_of_masks()
    {
        foreach (int mode in Enumerable.Range(0, 96))
        {
            using var problem = new AttentionCase
            {
                Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 45, SeqKv = 150, HeadDim = 16, HeadDimV = 19,
                Band = (mode % 3) switch { 0 => KeyBand.All, 1 => Causal, _ => new KeyBand(-20, true, 17, 40) },
                KeyLengths = (mode & 1) != 0 ? [90, 0] : null,
                HasMask = (mode & 2) != 0,
                BiasType = (mode & 4) == 0 ? null : (mode % 3) switch { 0 => DType.Float32, 1 => DType.Float16, _ => DType.BFloat16 },
                HasAlibi = (mode & 8) != 0,
                Softcap = (mode & 16) != 0 ? 5 : 0,
                Interleaved = mode % 5 == 0,
            };
            Verify(problem, seed: mode);
        }
    }

    [Theory]
    [InlineData(14, 2, 1, 300)]
    [InlineData(14, 2, 9, 300)]
    [InlineData(28, 4, 1, 1100)]
    [InlineData(8, 1, 3, 2300)]
    [InlineData(3, 3, 2, 5000)]
    public void Grouped_heads_and_decode(int headsQ, int headsKv, int seqQ, int seqKv)
    {
        foreach (var type in new[] { DType.Float32, DType.Float16, DType.BFloat16 })
        {
            using var problem = new AttentionCase
            {
                Batch = 2, HeadsQ = headsQ, HeadsKv = headsKv, SeqQ = seqQ, SeqKv = seqKv, HeadDim = 40, HeadDimV = 33, Type = type,
                Band = Causal, KeyLengths = [seqKv, seqKv / 2], HasAlibi = true,
            };
            Verify(problem);
        }
    }

    /// <summary>
    /// Runs with 1, 2 and 5 threads, which must agree to the bit, checks the result, and repeats on every narrower width.
    /// </summary>
    private static void Verify(AttentionCase problem, int seed = 1)
    {
        problem.Prepare(seed);
        byte[]? first = null;
        foreach (var workers in Pools.ByThreads)
        {
            problem.Run(workers);
            first ??= problem.O.Bytes.ToArray();
            problem.O.Bytes.SequenceEqual(first).Should().BeTrue("{0} threads must give the bits of one, in {1}", workers.Threads, problem);
        }

        problem.Check(Pools.ByThreads[0].Width.ToString());
        foreach (var workers in Pools.ByWidth)
        {
            problem.Run(workers);
            problem.Check(workers.Width.ToString());
        }
    }
}
