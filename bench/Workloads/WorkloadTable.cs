namespace AttnKernels.Bench.Workloads;

/// <summary>All workloads: layers of real models, a sweep over the sequence length, the mask variants, matmuls and softmaxes.</summary>
public static class WorkloadTable
{
    private const int SweepHeads = 8;
    private const int SweepDim = 64;
    private const int VariantSeq = 2048;

    /// <summary>Queries and keys of the sweep.</summary>
    public static readonly IReadOnlyList<int> SweepLengths = [128, 256, 512, 1024, 2048, 4096, 8192];

    /// <summary>Every workload in fp32, in the order of the report.</summary>
    public static IReadOnlyList<Workload> All { get; } = [.. Models(), .. Sweep(), .. Variants(), .. Matmuls(), .. Softmaxes(), .. Gpu()];

    /// <summary>The name of the sweep's workload with <paramref name="seq"/> queries and keys.</summary>
    public static string SweepName(int seq, bool causal) => causal ? $"s{seq}-causal" : $"s{seq}";

    private static IEnumerable<Workload> Models()
    {
        yield return Attention("bert-base-128", "BERT base encoder layer, batch 4, 128 tokens", 4, 12, 128, 128, 64);
        yield return Attention("bert-base-512", "BERT base encoder layer, 512 tokens", 1, 12, 512, 512, 64);
        yield return Attention("gpt2-small-1024", "GPT-2 small layer, causal prefill of 1024 tokens", 1, 12, 1024, 1024, 64, causal: true);
        yield return Llama("llama3-8b-prefill-1024", "causal prefill of 1024 tokens", 1024, 1024);
        yield return Llama("llama3-8b-prefill-4096", "causal prefill of 4096 tokens", 4096, 4096) with { FullOnly = true };
        yield return Llama("llama3-8b-decode-4096", "one token over 4096 cached keys", 1, 4096) with { Streaming = true };
        yield return Llama("llama3-8b-decode-32768", "one token over 32768 cached keys", 1, 32768) with
        {
            Streaming = true,
            FullOnly = true,
        };
        yield return Attention("whisper-base-cross-64", "Whisper base, 64 tokens over 1500 audio frames", 1, 8, 64, 1500, 64);
        yield return Attention("whisper-base-cross-448", "Whisper base, 448 tokens over 1500 audio frames", 1, 8, 448, 1500, 64);
        yield return Attention("vit-b16-197", "ViT-B/16 layer, 196 patches and the class token", 1, 12, 197, 197, 64);
    }

    private static IEnumerable<Workload> Sweep()
    {
        foreach (int seq in SweepLengths)
            foreach (bool causal in (bool[])[false, true])
                yield return Attention(SweepName(seq, causal), $"8 heads, {seq} tokens{(causal ? ", causal" : "")}",
                    1, SweepHeads, seq, seq, SweepDim, causal) with
                {
                    FullOnly = seq > VariantSeq,
                    Scaling = seq == VariantSeq,
                };
        yield return Attention("s1024-d128", "16 heads, 1024 tokens, head size 128", 1, 16, 1024, 1024, 128) with { Scaling = true };
    }

    /// <summary>What each mask costs over the plain s2048.</summary>
    private static IEnumerable<Workload> Variants()
    {
        yield return Variant("softcap", "scores capped at 30 by tanh", p => p with { Softcap = 30 });
        yield return Variant("bias", "an additive bias shared by the heads", p => p with { Bias = true });
        yield return Variant("mask", "a boolean mask that hides every eighth key at random", p => p with { Mask = true });
        yield return Variant("window", "causal with a window of 512 keys", p => p with { Causal = CausalMask.TopLeft, WindowLeft = 511 });
        yield return Variant("keylengths", "1800 of the 2048 keys are valid", p => p with { KeyLengths = true }) with { KeyLength = 1800 };
        yield return Variant("alibi", "ALiBi slopes, causal", p => p with { Causal = CausalMask.TopLeft, Alibi = true }) with
        {
            FullOnly = true,
        };
    }

    private static IEnumerable<Workload> Matmuls()
    {
        foreach (int n in (int[])[512, 1024, 2048, 4096])
            yield return new MatmulWorkload
            {
                Name = $"matmul-{n}",
                About = $"{n} x {n} x {n}",
                Problem = new MatmulProblem { M = n, N = n, K = n },
                Scaling = n == 2048,
            };
    }

    private static IEnumerable<Workload> Softmaxes()
    {
        foreach ((int rows, int columns) in ((int, int)[])[(4096, 4096), (65536, 64)])
            yield return new SoftmaxWorkload
            {
                Name = $"softmax-{rows}x{columns}",
                About = $"{rows} rows of {columns}",
                Problem = new SoftmaxProblem { Rows = rows, Columns = columns },
                Streaming = true,
            };
    }

    /// <summary>What fills a large GPU: 16 heads over long sequences, decoding over long caches, large matmuls.</summary>
    private static IEnumerable<Workload> Gpu()
    {
        foreach (int dim in (int[])[128, 64])
            foreach (int seq in (int[])[2048, 8192, 16384])
                foreach (bool causal in (bool[])[false, true])
                    yield return Attention($"gpu-s{seq}-d{dim}{(causal ? "-causal" : "")}",
                        $"16 heads of {dim}, {seq} tokens{(causal ? ", causal" : "")}", 1, 16, seq, seq, dim, causal) with
                    { NamedOnly = true };
        // Beside the same without a request, which multiplies fp32 as fp32.
        foreach (int dim in (int[])[128, 64])
            foreach (bool causal in (bool[])[false, true])
            {
                AttentionWorkload fp32 = Attention($"gpu-s8192-d{dim}{(causal ? "-causal" : "")}-tf32x3",
                    $"16 heads of {dim}, 8192 tokens{(causal ? ", causal" : "")}, fp32 as TF32 in three parts",
                    1, 16, 8192, 8192, dim, causal);
                yield return fp32 with { NamedOnly = true, Problem = fp32.Problem with { InputPrecision = InputPrecision.Tf32x3 } };
            }
        foreach (int batch in (int[])[1, 4, 16])
        {
            AttentionWorkload decode = Llama($"gpu-decode-32768-b{batch}", $"one token over 32768 cached keys, batch {batch}", 1, 32768);
            yield return decode with { NamedOnly = true, IsNarrow = batch == 16, Problem = decode.Problem with { Batch = batch } };
        }
        foreach (int queries in (int[])[4, 16])
            yield return Llama($"gpu-decode-8192-q{queries}", $"{queries} draft tokens over 8192 cached keys", queries, 8192) with
            { NamedOnly = true };
        foreach (int n in (int[])[4096, 8192])
            yield return new MatmulWorkload
            {
                Name = $"gpu-matmul-{n}",
                About = $"{n} x {n} x {n}",
                Problem = new MatmulProblem { M = n, N = n, K = n },
                NamedOnly = true,
            };
        foreach (InputPrecision precision in (InputPrecision[])[InputPrecision.Tf32x3, InputPrecision.Tf32])
            yield return new MatmulWorkload
            {
                Name = $"gpu-matmul-4096-{precision}".ToLowerInvariant(),
                About = $"4096 x 4096 x 4096, fp32 as TF32{(precision == InputPrecision.Tf32x3 ? " in three parts" : "")}",
                Problem = new MatmulProblem { M = 4096, N = 4096, K = 4096, InputPrecision = precision },
                NamedOnly = true,
            };
        yield return new MatmulWorkload
        {
            Name = "gpu-matmul-64x4096x14336",
            About = "64 x 14336 x 4096: the narrow side of an 8B model's MLP for 64 tokens, few tiles and a long sum",
            Problem = new MatmulProblem { M = 64, N = 4096, K = 14336 },
            NamedOnly = true,
        };
        // Nothing that tells anything: does the benchmark itself work?
        yield return Attention("gpu-dry-s128-causal", "2 heads, 128 tokens, causal", 1, 2, 128, 128, 64, causal: true) with
        { NamedOnly = true };
        yield return new MatmulWorkload
        {
            Name = "gpu-dry-matmul-128",
            About = "128 x 128 x 128",
            Problem = new MatmulProblem { M = 128, N = 128, K = 128 },
            NamedOnly = true,
        };
    }

    private static AttentionWorkload Attention(
        string name, string about, int batch, int heads, int seqQ, int seqKv, int dim, bool causal = false) => new()
        {
            Name = name,
            About = about,
            Problem = new AttentionProblem
            {
                Batch = batch,
                HeadsQ = heads,
                SeqQ = seqQ,
                SeqKv = seqKv,
                HeadDim = dim,
                Causal = causal ? CausalMask.TopLeft : CausalMask.None,
            },
        };

    private static AttentionWorkload Llama(string name, string about, int seqQ, int seqKv) => new()
    {
        Name = name,
        About = $"Llama-3-8B layer (32 query heads, 8 key heads), {about}",
        Problem = new AttentionProblem
        {
            Batch = 1,
            HeadsQ = 32,
            HeadsKv = 8,
            SeqQ = seqQ,
            SeqKv = seqKv,
            HeadDim = 128,
            Causal = CausalMask.BottomRight,
        },
    };

    private static AttentionWorkload Variant(string name, string about, Func<AttentionProblem, AttentionProblem> change)
    {
        AttentionWorkload plain = Attention($"s{VariantSeq}-{name}", $"8 heads, {VariantSeq} tokens, {about}",
            1, SweepHeads, VariantSeq, VariantSeq, SweepDim);
        return plain with { Problem = change(plain.Problem) };
    }
}
