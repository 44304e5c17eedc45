using AttnKernels.Bench.Workloads;

namespace AttnKernels.Tests.Bench;

public class WorkloadTableTests
{
    // Two products of 2 * pairs * dim each, by hand: pairs are (query, key) pairs that the mask leaves visible.
    [Theory]
    [InlineData("bert-base-128", 4.0 * 4 * 12 * 128 * 128 * 64)]
    [InlineData("gpt2-small-1024", 4.0 * 12 * (1024 * 1025 / 2) * 64)]
    [InlineData("llama3-8b-prefill-1024", 4.0 * 32 * (1024 * 1025 / 2) * 128)]
    [InlineData("llama3-8b-decode-4096", 4.0 * 32 * 4096 * 128)]
    [InlineData("whisper-base-cross-64", 4.0 * 8 * 64 * 1500 * 64)]
    [InlineData("vit-b16-197", 4.0 * 12 * 197 * 197 * 64)]
    [InlineData("s2048-window", 4.0 * 8 * (512 * 513 / 2 + 1536 * 512) * 64)]
    [InlineData("s2048-keylengths", 4.0 * 8 * 2048 * 1800 * 64)]
    [InlineData("s2048-mask", 4.0 * 8 * 2048 * 2048 * 64)]
    [InlineData("matmul-512", 2.0 * 512 * 512 * 512)]
    public void FlopsAreThoseCountedByHand(string name, double flops) => Find(name).Flops.Should().Be(flops);

    [Fact]
    public void BytesAreEveryTensorOnce()
    {
        // K and V of 8 heads, Q and O of 32.
        Find("llama3-8b-decode-4096").Bytes.Should().Be(4.0 * (2 * 8 * 4096 * 128 + 2 * 32 * 128));
        Find("softmax-65536x64").Bytes.Should().Be(2 * 4.0 * 65536 * 64);
        Find("softmax-65536x64").WrittenBytes.Should().Be(4.0 * 65536 * 64);
        Find("matmul-512").WithType(DType.Float16).Bytes.Should().Be(3 * 2.0 * 512 * 512);
    }

    [Fact]
    public void NamesAreUniqueAndWithoutSpaces()
    {
        WorkloadTable.All.Select(w => w.Name).Should().OnlyHaveUniqueItems().And.OnlyContain(n => !n.Contains(' '));
    }

    [Fact]
    public void EveryProblemIsValidInEveryTypeThatItTakes()
    {
        foreach (DType type in (DType[])[DType.Float32, DType.Float16, DType.BFloat16])
            foreach (Workload workload in WorkloadTable.All.Where(w => w.Takes(type)).Select(w => w.WithType(type)))
            {
                switch (workload)
                {
                    case AttentionWorkload a:
                        a.Problem.Validate();
                        break;
                    case MatmulWorkload m:
                        m.Problem.Validate();
                        break;
                    case SoftmaxWorkload s:
                        s.Problem.Validate();
                        break;
                }
                workload.Type.Should().Be(type);
            }
    }

    private static Workload Find(string name) => WorkloadTable.All.Single(w => w.Name == name);
}
