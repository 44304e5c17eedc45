using System.Runtime.Intrinsics;
using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

/// <summary>What holds beside the numbers: hidden bits, batch independence, garbage, sharing, cancellation.</summary>
public sealed unsafe class SimdContractTests
{
    private static readonly KeyBand Causal = new(0, true, KeyBand.Unlimited, 0);

    private static AttentionCase Case(int seqQ, int seqKv = 200, bool mask = false, int batch = 2) => new()
    {
        Batch = batch, HeadsQ = 4, HeadsKv = 2, SeqQ = seqQ, SeqKv = seqKv, HeadDim = 32, HeadDimV = 37, Band = Causal, HasMask = mask,
    };

    /// <summary>
    /// The last key of a causal problem is visible to the last query alone, so only that row may show what the key holds.
    /// </summary>
    [Theory]
    [InlineData(2, float.NaN)]
    [InlineData(2, float.PositiveInfinity)]
    [InlineData(100, float.NaN)]
    [InlineData(100, float.PositiveInfinity)]
    public void Bits_of_a_key_reach_only_the_rows_that_see_it(int seqQ, float poison)
    {
        using var problem = Case(seqQ).Prepare();
        foreach (var workers in Pools.ByWidth.Append(Pools.ByThreads[1]))
        {
            for (int d = 0; d < problem.HeadDimV; d++) problem.V[(problem.SeqKv - 1) * problem.HeadDimV + d] = 0.5f;
            problem.Run(workers);
            byte[] clean = problem.O.Bytes.ToArray();
            for (int d = 0; d < problem.HeadDimV; d++) problem.V[(problem.SeqKv - 1) * problem.HeadDimV + d] = poison;
            problem.Run(workers);
            long row = problem.IndexO(0, 0, seqQ - 1, 0);
            float.IsFinite(problem.O[row]).Should().BeFalse("the last row sees the key, on {0}", workers.Width);
            int before = (int)(sizeof(float) * row);
            problem.O.Bytes[..before].SequenceEqual(clean.AsSpan(0, before)).Should().BeTrue("no other row of the head does, on {0}",
                workers.Width);
        }
    }

    [Fact]
    public void A_batch_entry_has_the_bits_it_has_alone()
    {
        foreach (int seqQ in new[] { 3, 70 })
        {
            using var both = Case(seqQ, mask: true).Prepare();
            both.Run(Pools.ByThreads[1]);
            byte[] bits = both.O.Bytes.ToArray();
            both.Args.Batch = 1;
            both.Args.Q.Data = (float*)both.Args.Q.Data + both.Args.Q.BatchStride;
            both.Args.K.Data = (float*)both.Args.K.Data + both.Args.K.BatchStride;
            both.Args.V.Data = (float*)both.Args.V.Data + both.Args.V.BatchStride;
            both.Args.Score.Mask.Data = (byte*)both.Args.Score.Mask.Data + both.Args.Score.Mask.BatchStride;
            both.Run(Pools.ByThreads[1]);
            int half = bits.Length / 2;
            both.O.Bytes[..half].SequenceEqual(bits.AsSpan(half)).Should().BeTrue("the second entry was run alone with {0} queries", seqQ);
        }
    }

    [Fact]
    public void Runs_make_no_garbage()
    {
        using var prefill = Case(70).Prepare();
        using var decode = Case(1).Prepare();
        using var x = new Native(100 * 100, DType.Float32).FillRandom(1);
        using var y = new Native(100 * 100, DType.Float32);
        var matmul = new MatmulArgs { Batch0 = 1, Batch1 = 1, GroupB = 1, M = 100, N = 100, K = 100, Alpha = 1 };
        matmul.A = matmul.B = new MatrixArgs { Data = x.Data, RowStride = 100, ColumnStride = 1 };
        matmul.C = new MatrixArgs { Data = y.Data, RowStride = 100, ColumnStride = 1 };
        var softmax = new SoftmaxArgs { Batch = 1, Heads = 1, Rows = 100, Columns = 100 };
        softmax.X = new HeadTensor { Data = x.Data, RowStride = 100 };
        softmax.Y = new HeadTensor { Data = y.Data, RowStride = 100 };
        softmax.Score.Scale = 1;
        softmax.Score.Band = KeyBand.All;
        using var workers = new SimdWorkers(2);
        long before = 0;
        for (int round = 0; round < 60; round++)
        {
            if (round == 40) before = GC.GetAllocatedBytesForCurrentThread();
            prefill.Run(workers);
            decode.Run(workers);
            SimdMatmul.Run(matmul, workers);
            SimdSoftmax.Run(softmax, workers);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void Callers_at_once_share_the_threads_and_get_their_own_results()
    {
        using var workers = new SimdWorkers(2);
        using var small = Case(1).Prepare(1);
        using var large = Case(150).Prepare(2);
        small.Run(workers);
        large.Run(workers);
        byte[] smallBits = small.O.Bytes.ToArray();
        byte[] largeBits = large.O.Bytes.ToArray();
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 6 }, caller =>
        {
            using var problem = Case(caller % 2 == 0 ? 1 : 150).Prepare(caller % 2 == 0 ? 1 : 2);
            for (int round = 0; round < 30; round++)
            {
                problem.Run(workers);
                problem.O.Bytes.SequenceEqual(caller % 2 == 0 ? smallBits : largeBits).Should().BeTrue("caller {0}, round {1}",
                    caller, round);
            }
        });
    }

    [Fact]
    public void Cancellation_stops_a_call_and_leaves_the_workers_usable()
    {
        using var workers = new SimdWorkers(2);
        using var problem = Case(1500, 1500).Prepare();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var before = () => SimdAttention.Run(problem.Args, workers, cancelled.Token);
        before.Should().Throw<OperationCanceledException>();
        problem.O.Bytes.ContainsAnyExcept((byte)0xFF).Should().BeFalse("nothing was computed");

        using var later = new CancellationTokenSource(TimeSpan.FromMilliseconds(2));
        var during = () =>
        {
            while (true) SimdAttention.Run(problem.Args, workers, later.Token);
        };
        during.Should().Throw<OperationCanceledException>();
        SimdAttention.Run(problem.Args, workers);
        float.IsFinite(problem.O[0]).Should().BeTrue();
    }

    [Fact]
    public void Disposed_workers_refuse_and_a_negative_thread_count_is_an_error()
    {
        var workers = new SimdWorkers(2);
        using var problem = Case(1).Prepare();
        problem.Run(workers);
        workers.Dispose();
        workers.Dispose();
        var run = () => problem.Run(workers);
        run.Should().Throw<ObjectDisposedException>();
        var create = () => new SimdWorkers(-1);
        create.Should().Throw<ArgumentOutOfRangeException>();
    }

    /// <summary>Every 1,009th number from 2^-40 to 16, which walks through all exponents and all places in them.</summary>
    [Fact]
    public void Tanh_stays_within_its_bound_at_every_width()
    {
        TanhError<Width1, float>(x => x, r => r).Should().BeLessThan(4e-7);
        TanhError<Width128, Vector128<float>>(Vector128.Create, r => r[3]).Should().BeLessThan(4e-7);
        if (Width256.IsSupported) TanhError<Width256, Vector256<float>>(Vector256.Create, r => r[7]).Should().BeLessThan(4e-7);
        if (Width512.IsSupported) TanhError<Width512, Vector512<float>>(Vector512.Create, r => r[15]).Should().BeLessThan(4e-7);
    }

    /// <summary>The largest relative error; oddness, infinities and NaN on the way.</summary>
    private static double TanhError<W, V>(Func<float, V> vector, Func<V, float> lane)
        where W : struct, IWidth<V>
        where V : struct
    {
        float At(float x) => lane(Exp2.Tanh<W, V>(vector(x), W.Set(3)));
        double worst = 0;
        for (uint bits = (127 - 40) << 23; bits <= (127 + 4) << 23; bits += 1009)
        {
            float z = BitConverter.UInt32BitsToSingle(bits), x = z * Exp2.TanhScale;
            worst = Math.Max(worst, Math.Abs(At(x) / (3 * Math.Tanh((double)x / Exp2.TanhScale)) - 1));
        }

        foreach (float x in new[] { 0, 1e-9f, 0.01f, 0.1f, 1, 1e30f, float.PositiveInfinity }) At(-x).Should().Be(-At(x));
        At(float.PositiveInfinity).Should().Be(3);
        float.IsNaN(At(float.NaN)).Should().BeTrue();
        return worst;
    }

    [Fact]
    public void Four_sums_have_the_bits_of_one_at_every_width()
    {
        CompareSums<Width1, float>();
        CompareSums<Width128, Vector128<float>>();
        if (Width256.IsSupported) CompareSums<Width256, Vector256<float>>();
        if (Width512.IsSupported) CompareSums<Width512, Vector512<float>>();
    }

    private static unsafe void CompareSums<W, V>()
        where W : struct, IWidth<V>
        where V : struct
    {
        Random random = new(7);
        float* x = stackalloc float[4 * W.Count];
        float* sums = stackalloc float[4];
        for (int i = 0; i < 4 * W.Count; i++) x[i] = random.NextSingle() - 0.5f;
        W.StoreSums(sums, W.Load(x), W.Load(x + W.Count), W.Load(x + 2 * W.Count), W.Load(x + 3 * W.Count));
        for (int i = 0; i < 4; i++) sums[i].Should().Be(W.SumAcross(W.Load(x + i * W.Count)));
    }

    [Fact]
    public void Exp2_stays_within_its_bound()
    {
        double exponential = 0;
        for (float x = -125; x <= 0; x += 1f / 1024)
        {
            if (Width512.IsSupported) exponential = Math.Max(exponential, Math.Abs(Wide(x) / Math.Pow(2, x) - 1));
            exponential = Math.Max(exponential, Math.Abs(Exp2.Of<Width1, float>(x) / Math.Pow(2, x) - 1));
        }

        exponential.Should().BeLessThan(1.6e-7);
        Exp2.Of<Width1, float>(0).Should().Be(1);
        Exp2.Of<Width1, float>(float.NegativeInfinity).Should().Be(0);
        float.IsNaN(Exp2.Of<Width1, float>(float.NaN)).Should().BeTrue();
        foreach (float infinity in new[] { float.NegativeInfinity, -1e30f })
        {
            if (Width512.IsSupported) Wide(infinity).Should().Be(0);
            if (Width256.IsSupported) Exp2.Of<Width256, Vector256<float>>(Width256.Set(infinity))[0].Should().Be(0);
            Exp2.Of<Width128, Vector128<float>>(Width128.Set(infinity))[0].Should().Be(0);
        }
    }

    [Fact]
    public void Half_and_bfloat16_round_like_the_runtime()
    {
        float* source = stackalloc float[16];
        ushort* target = stackalloc ushort[16];
        var random = new Random(5);
        for (int round = 0; round < 20_000; round++)
        {
            for (int i = 0; i < 16; i++) source[i] = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            if (round % 2 == 0) for (int i = 0; i < 16; i++) source[i] = (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-26, 17));
            Narrow<Float16Element>(source, target);
            for (int i = 0; i < 16; i++)
            {
                if (float.IsNaN(source[i])) Half.IsNaN(BitConverter.UInt16BitsToHalf(target[i])).Should().BeTrue();
                ushort expected = BitConverter.HalfToUInt16Bits((Half)source[i]);
                if (!float.IsNaN(source[i]) && target[i] != expected) target[i].Should().Be(expected, "{0:R}", source[i]);
            }

            Narrow<BFloat16Element>(source, target);
            for (int i = 0; i < 16; i++)
            {
                if (!float.IsNaN(source[i])
                    && target[i] != ((BFloat16)source[i]).Bits) target[i].Should().Be(((BFloat16)source[i]).Bits, "{0:R}", source[i]);
            }
        }

        for (int bits = 0; bits < 65536; bits++)
        {
            ushort half = (ushort)bits;
            float widened = Float16Element.Load<Width1, float>((byte*)&half);
            float expected = (float)BitConverter.UInt16BitsToHalf(half);
            if (widened != expected) (float.IsNaN(widened) && float.IsNaN(expected)).Should().BeTrue("{0:X}", bits);
        }
    }

    private static float Wide(float x) => Exp2.Of<Width512, Vector512<float>>(Width512.Set(x))[0];

    private static void Narrow<E>(float* source, ushort* target)
        where E : struct, IElement
    {
        if (Width512.IsSupported) E.Store<Width512, Vector512<float>>((byte*)target, Width512.Load(source));
        else for (int i = 0; i < 16; i++) E.Store<Width1, float>((byte*)(target + i), source[i]);
    }
}
