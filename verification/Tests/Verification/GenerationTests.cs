using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>
/// Generation end to end: tokens are appended to a cache and attend over it, first in chunks and then one by one. What each token gets must
/// be what attention over the whole sequence gives it.
/// </summary>
public class GenerationTests
{
    private const int Batch = 2;
    private const int HeadsQ = 4;
    private const int HeadsKv = 2;
    private const int Tokens = 31;
    private const int Dim = 16;
    private const int Chunk = 5;
    private const int Window = 8;

    public static TheoryData<string, string> DevicesAndCaches
    {
        get
        {
            string[] devices = ["cpu", "simulator", "ilgpu-cpu", "opencl:0", "cuda:0"];
            string[] caches = ["contiguous", "paged", "ring", "contiguous int8", "paged int8", "ring int8", "paged fp16"];
            return [.. devices.SelectMany(_ => caches, (device, cache) => (device, cache))];
        }
    }

    [Theory]
    [MemberData(nameof(DevicesAndCaches))]
    public void Token_by_token_is_the_whole_sequence(string name, string cache)
    {
        using AttentionDevice device = PresentDevices.OpenOrSkip(name);
        bool isPaged = cache.StartsWith("paged", StringComparison.Ordinal), isRing = cache.StartsWith("ring", StringComparison.Ordinal);
        DType type = cache.EndsWith("int8", StringComparison.Ordinal) ? DType.Int8
            : cache.EndsWith("fp16", StringComparison.Ordinal) ? DType.Float16
            : DType.Float32;
        int capacity = isRing ? Window + Chunk : Tokens + 2;
        KvLayout layout = isPaged ? KvLayout.Paged(8, 11) : isRing ? KvLayout.Ring : KvLayout.Contiguous;
        AttentionProblem attention = new()
        {
            Batch = Batch, HeadsQ = HeadsQ, HeadsKv = HeadsKv, SeqQ = 1, SeqKv = capacity, HeadDim = Dim, Kv = layout, KvType = type,
            KeyLengths = true, Causal = CausalMask.BottomRight, WindowLeft = isRing ? Window : null,
        };
        CacheAppendProblem append = new()
        {
            Batch = Batch, Heads = HeadsKv, Capacity = capacity, Rows = 1, HeadDim = Dim, Kv = layout, CacheType = type, Starts = true,
        };
        Seeded random = new(7);
        HostTensor q = random.Normals(0, DType.Float32, 1, Batch, HeadsQ, Tokens, Dim);
        HostTensor k = random.Normals(1, DType.Float32, 1, Batch, HeadsKv, Tokens, Dim);
        HostTensor v = random.Normals(2, DType.Float32, 1, Batch, HeadsKv, Tokens, Dim);
        using DeviceTensor queries = device.Upload(q.Values, q.Shape), keys = device.Upload(k.Values, k.Shape);
        using DeviceTensor values = device.Upload(v.Values, v.Shape);
        using DeviceTensor o = device.Allocate(DType.Float32, Batch, HeadsQ, Tokens, Dim);
        int[] shape = isPaged ? [11, HeadsKv, 8, Dim] : [Batch, HeadsKv, capacity, Dim];
        using DeviceTensor cacheK = device.Allocate(type, shape), cacheV = device.Allocate(type, shape);
        using DeviceTensor scalesK = device.Allocate(DType.Float32, shape.AsSpan(0, 3));
        using DeviceTensor scalesV = device.Allocate(DType.Float32, shape.AsSpan(0, 3));
        using DeviceTensor table = device.Upload([3, 9, 0, 10, 5, 1, 7, 2, 8, 6], Batch, 5);

        for (int token = 0; token < Tokens;)
        {
            int count = token < 3 * Chunk ? Chunk : 1;
            using DeviceTensor written = device.Upload([token, token], Batch);
            using DeviceTensor lengths = device.Upload([token + count, token + count], Batch);
            using CacheAppendPlan appending = device.Plan(append with { Rows = count });
            using AttentionPlan attending = device.Plan(attention with { SeqQ = count });
            CacheAppendTensors rows = new()
            {
                Cache = cacheK, Update = keys.View.Slice(2, token, count), Starts = written,
                Scales = type == DType.Int8 ? scalesK.View : default, BlockTable = isPaged ? table.View : default,
            };
            appending.Run(rows);
            appending.Run(rows with
            {
                Cache = cacheV,
                Update = values.View.Slice(2, token, count),
                Scales = type == DType.Int8 ? scalesV.View : default,
            });
            attending.Run(new AttentionTensors
            {
                Q = queries.View.Slice(2, token, count), K = cacheK, V = cacheV, O = o.View.Slice(2, token, count), KeyLengths = lengths,
                KScales = type == DType.Int8 ? scalesK.View : default, VScales = type == DType.Int8 ? scalesV.View : default,
                BlockTable = isPaged ? table.View : default,
            });
            device.Synchronize();
            token += count;
        }

        ScoreRule rule = new()
        {
            Scale = attention.EffectiveScale, Causal = true, Alignment = KeyAlignment.BottomRight, WindowLeft = attention.WindowLeft,
        };
        Expected whole = References.Attention(q, Stored(k, type), Stored(v, type), rule).O;
        Comparison.Of(whole, o.ToArray<float>())
            .Should().Match<Comparison>(c => c.Passed, "the references attend to the whole sequence as it is stored");
        if (type == DType.Float32)
            Comparison.Of(whole, Whole(device, attention, q, k, v))
                .Should().Match<Comparison>(c => c.Passed, "so does a plan of the whole sequence");
        double far = References.Attention(q, k, v, rule).O.Values.Zip(o.ToArray<float>(), (a, b) => Math.Abs(a - b)).Max();
        far.Should().BeLessThan(type == DType.Int8 ? 0.06 : 2e-3, "half a code of 127, in V and in the scores, is all that storage costs");
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("simulator")]
    [InlineData("ilgpu-cpu")]
    public void Quantised_rows_have_the_bits_of_the_formula(string name)
    {
        using AttentionDevice device = PresentDevices.OpenOrSkip(name);
        (int rows, int dim) = (40, 96);
        float[] x = new Seeded(3).Normals(0, DType.Float32, 2, rows, dim).Values;
        // Rows whose scale is 1/8 and whose elements are multiples of 1/16: every other one is a tie.
        for (int n = 0; n < 10 * dim; n++) x[n] = n % dim == 0 ? 127 / 8f : MathF.Round(16 * x[n]) / 16;
        using CacheAppendPlan plan = device.Plan(new CacheAppendProblem
        {
            Batch = 1, Heads = 1, Capacity = rows, Rows = rows, HeadDim = dim, CacheType = DType.Int8,
        });
        using DeviceTensor cache = device.Allocate(DType.Int8, rows, dim), scales = device.Allocate(DType.Float32, rows);
        using DeviceTensor update = device.Upload(x, rows, dim);
        plan.Run(new CacheAppendTensors { Cache = cache, Update = update, Scales = scales });
        device.Synchronize();

        float[] scale = [.. Enumerable.Range(0, rows).Select(r => x.AsSpan(r * dim, dim).ToArray().Max(MathF.Abs) / 127)];
        scales.ToArray<float>().Should().Equal(scale);
        cache.ToArray<sbyte>().Should().Equal(x.Select((value, n) => (sbyte)MathF.Round(value / scale[n / dim], MidpointRounding.ToEven)));
    }

    /// <summary>Keys or values as a cache of the type gives them back.</summary>
    private static HostTensor Stored(HostTensor x, DType type)
    {
        if (type != DType.Int8) return new HostTensor(DType.Float32, [.. x.Values.Select(value => HostTensor.Round(type, value))], x.Shape);
        float[] stored = new float[x.Values.Length];
        for (int row = 0; row < stored.Length; row += Dim)
        {
            float scale = x.Values.AsSpan(row, Dim).ToArray().Max(MathF.Abs) / 127;
            for (int d = 0; d < Dim; d++) stored[row + d] = MathF.Round(x.Values[row + d] / scale) * scale;
        }
        return new HostTensor(DType.Float32, stored, x.Shape);
    }

    private static float[] Whole(AttentionDevice device, AttentionProblem attention, HostTensor q, HostTensor k, HostTensor v)
    {
        using AttentionPlan plan = device.Plan(
            attention with { SeqQ = Tokens, SeqKv = Tokens, Kv = KvLayout.Contiguous, KeyLengths = false });
        using DeviceTensor queries = device.Upload(q.Values, q.Shape), keys = device.Upload(k.Values, k.Shape);
        using DeviceTensor values = device.Upload(v.Values, v.Shape);
        using DeviceTensor o = device.Allocate(DType.Float32, q.Shape);
        plan.Run(new AttentionTensors { Q = queries, K = keys, V = values, O = o });
        device.Synchronize();
        return o.ToArray<float>();
    }
}
