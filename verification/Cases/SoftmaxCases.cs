using static AttnKernels.DType;

namespace AttnKernels.Verification;

/// <summary>The softmax cases: rows from 1 to 131,072 elements, in place or not, logarithm, masks, types in and out.</summary>
internal static class SoftmaxCases
{
    private static readonly DType[] Types = [Float32, Float16, DType.BFloat16];

    /// <summary>Small enough for devices that interpret.</summary>
    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in Types)
            foreach (bool log in (bool[])[false, true])
            {
                foreach (int columns in (int[])[1, 16, 17, 64, 129, 513])
                    yield return Case(Problem(type, 3, columns) with { Log = log, Lse = columns % 2 == 0 }, CaseSize.Tiny);
                yield return Case(Problem(type, 5, 37) with { Log = log }, CaseSize.Tiny, new CaseOptions { InPlace = true });
                yield return Case(AllMasks(Problem(type, 9, 21) with { Log = log }), CaseSize.Tiny, new CaseOptions { EmptyBatch = true });
                SoftmaxProblem causal = Problem(type, 5, 37) with { Log = log, Causal = CausalMask.TopLeft };
                yield return Case(causal with { Lse = true }, CaseSize.Tiny, new CaseOptions { VisibleNaN = true });
            }
        foreach (DType type in Types)
        {
            SoftmaxProblem scores = Problem(type, 5, 37) with { Scores = true, Scale = -1.5f };
            yield return Case(scores with { Lse = true }, CaseSize.Tiny, new CaseOptions { InPlace = true });
            yield return Case(AllMasks(scores), CaseSize.Tiny, new CaseOptions { EmptyBatch = true });
            yield return Case(scores with { Columns = 300, Softcap = 5, OutputType = Float32 }, CaseSize.Tiny,
                new CaseOptions { VisibleNaN = true });
        }
        yield return Case(Problem(Float32, 2, 300), CaseSize.Tiny, new CaseOptions { Rising = true, Logits = 5 });
        foreach (DType type in Types)
            foreach (DType output in Types)
            {
                if (type != output && type != Float32 && output != Float32) continue;
                foreach (int columns in (int[])[37, 300])
                {
                    SoftmaxProblem p = Problem(type, 3, columns) with { OutputType = output };
                    yield return Case(p, CaseSize.Tiny);
                    yield return Case(p with { Mask = true }, CaseSize.Tiny);
                }
            }
        foreach (DType type in Types)
            yield return Case(Problem(type, 5, 37), CaseSize.Tiny, new CaseOptions { Placement = Placement.OddLines, VisibleNaN = true });
        // Whole vectors, of which the CPU device keeps several rows in registers: every row has its own maximum.
        foreach (int columns in (int[])[16, 48, 64])
            yield return Case(Problem(Float32, 7, columns), CaseSize.Tiny,
                new CaseOptions { VisibleNaN = true, InPlace = true, Logits = 3 });
        // A window that starts between the places where vectors do; fp16 logits below its normal range, which an fp32 logarithm shows.
        yield return Case(Problem(Float32, 9, 24) with { WindowLeft = 6, Alignment = BandAlignment.BottomRight }, CaseSize.Tiny);
        yield return Case(Problem(Float16, 3, 37) with { OutputType = Float32, Log = true }, CaseSize.Tiny,
            new CaseOptions { Logits = 2e-5 });
    }

    /// <summary>For devices that compute at speed.</summary>
    public static IEnumerable<VerificationCase> Normal()
    {
        int[] lengths = [1, 2, 15, 16, 37, 65, 127, 501, 1000, 1024, 4097, 32768, 131072];
        int n = 0;
        foreach (DType type in Types)
            foreach (int columns in lengths)
                foreach (bool log in (bool[])[false, true])
                {
                    SoftmaxProblem p = Problem(type, columns > 2000 ? 2 : 33, columns) with { Log = log, Lse = true, Scale = 0.7f };
                    yield return Case(p, options: new CaseOptions { InPlace = n++ % 3 == 0 });
                    if (columns is 501 or 32768)
                    {
                        yield return Case(p, options: new CaseOptions { Logits = 50 });
                        yield return Case(p, options: new CaseOptions { Rising = true, Logits = 5 });
                    }
                }
        foreach (DType type in Types)
        {
            foreach (DType output in Types)
                if (output != type) yield return Case(Problem(type, 17, 129) with { OutputType = output });
            foreach (Placement placement in Placement.Rows)
                yield return Case(Problem(type, 17, 65) with { Batch = 2, Heads = 3 }, options: new CaseOptions { Placement = placement });
        }
        CausalMask[] causals = [CausalMask.None, CausalMask.TopLeft, CausalMask.BottomRight];
        n = 0;
        foreach (CausalMask causal in causals)
            for (int features = 0; features < 64; features++, n++)
            {
                SoftmaxProblem p = Problem(Types[n % 3], 37, 53) with
                {
                    Batch = 2,
                    Heads = 2,
                    Causal = causal,
                    Alignment = causal.Alignment is null ? BandAlignment.BottomRight : null,
                    KeyLengths = (features & 1) != 0,
                    Mask = (features & 2) != 0,
                    Bias = (features & 4) != 0,
                    Alibi = (features & 8) != 0,
                    Softcap = (features & 16) != 0 ? 2 : 0,
                    WindowLeft = (features & 32) != 0 ? 11 : null,
                    BiasType = Types[n / 3 % 3],
                    Log = n % 4 == 0,
                    Lse = n % 2 == 0,
                    Sinks = n / 2 % 3 == 1,
                    HeadScales = n % 4 == 1,
                    Documents = n % 7 == 3,
                    Blocks = n % 6 == 2 ? new BlockSparsity(1 + (n % 13), 1 + (n % 11)) : null,
                };
                yield return Case(p, options: new CaseOptions { EmptyBatch = n % 4 == 1, InPlace = n % 3 == 1, InfiniteBias = n % 5 == 0 });
            }
    }

    private static SoftmaxProblem AllMasks(SoftmaxProblem p) => p with
    {
        Batch = 2,
        Heads = 2,
        Causal = CausalMask.BottomRight,
        WindowLeft = 9,
        KeyLengths = true,
        Mask = true,
        Bias = true,
        BiasType = Float16,
        Alibi = true,
        Softcap = 5,
        Lse = true,
    };

    private static SoftmaxProblem Problem(DType type, int rows, int columns) => new() { Type = type, Rows = rows, Columns = columns };

    private static SoftmaxCase Case(SoftmaxProblem problem, CaseSize size = CaseSize.Normal, CaseOptions? options = null)
    {
        options ??= new CaseOptions { Logits = 3 };
        return new SoftmaxCase(problem, options, CaseNames.Of(problem, options), size);
    }
}
