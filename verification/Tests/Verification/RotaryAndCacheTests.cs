namespace AttnKernels.Tests.Verification;

/// <summary>Rotary embedding and cache append on every device, against the formulas written out here.</summary>
public sealed class RotaryAndCacheTests
{
    public static TheoryData<string> Devices => [.. AttentionDevice.List().Select(info => info.Name)];

    [Theory]
    [MemberData(nameof(Devices))]
    public void RotaryTurnsEveryPairByItsAngle(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        foreach (int headDim in new[] { 2, 37, 80 })
        {
            foreach (bool interleaved in new[] { false, true })
            {
                foreach (bool positions in new[] { false, true })
                    CheckRotary(device, headDim, headDim == 2 ? 2 : headDim / 2 / 2 * 2, interleaved, positions);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void AppendWritesItsRowsAndNothingElse(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        CheckAppend(device, circular: false, starts: [4, 0]);
        CheckAppend(device, circular: true, starts: [5, 13]);
    }

    [Fact]
    public void TheCpuRefusesIndicesOutsideBeforeWriting()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using CacheAppendPlan plan = device.Plan(
            new CacheAppendProblem { Batch = 1, Heads = 1, Capacity = 4, Rows = 2, HeadDim = 1, Starts = true });
        using DeviceTensor cache = device.Upload<float>([1, 2, 3, 4], 1, 1, 4, 1);
        using DeviceTensor update = device.Upload<float>([8, 9], 1, 1, 2, 1);
        using DeviceTensor starts = device.Upload<int>([3], 1);
        Action run = () => plan.Run(new CacheAppendTensors { Cache = cache, Update = update, Starts = starts });
        run.Should().Throw<ArgumentOutOfRangeException>().WithMessage("Starts?0? = 3 is not in 0..2*");
        cache.ToArray<float>().Should().Equal(1, 2, 3, 4);
    }

    [Fact]
    public void OddRotaryDimIsRefused()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        Action plan = () => device.Plan(new RotaryProblem { Batch = 1, Heads = 1, Seq = 1, HeadDim = 7 });
        plan.Should().Throw<ArgumentException>().WithMessage("*RotaryDim must be even, is 7*");
    }

    private static void CheckRotary(AttentionDevice device, int headDim, int rotaryDim, bool interleaved, bool positions)
    {
        const int batch = 2, heads = 3, seq = 5, maxPosition = 11;
        int pairs = rotaryDim / 2;
        int rows = positions ? maxPosition : batch * seq;
        float[] x = Values(batch * heads * seq * headDim, 1);
        float[] cos = Values(rows * pairs, 2);
        float[] sin = Values(rows * pairs, 3);
        int[] at = [.. Enumerable.Range(0, batch * seq).Select(i => i * 7 % maxPosition)];
        RotaryProblem problem = new()
        {
            Batch = batch, Heads = heads, Seq = seq, HeadDim = headDim, RotaryDim = rotaryDim, Interleaved = interleaved,
            MaxPosition = positions ? maxPosition : 0,
        };
        using RotaryPlan plan = device.Plan(problem);
        using DeviceTensor tx = device.Upload(x, batch, heads, seq, headDim);
        using DeviceTensor ty = device.Allocate(DType.Float32, batch, heads, seq, headDim);
        using DeviceTensor tc = positions ? device.Upload(cos, maxPosition, pairs) : device.Upload(cos, batch, seq, pairs);
        using DeviceTensor ts = positions ? device.Upload(sin, maxPosition, pairs) : device.Upload(sin, batch, seq, pairs);
        using DeviceTensor tp = device.Upload(at, batch, seq);
        plan.Run(new RotaryTensors { X = tx, Y = ty, Cos = tc, Sin = ts, Positions = positions ? tp.View : default });

        double[] expected = [.. x.Select(v => (double)v)];
        for (int row = 0; row < batch * heads * seq; row++)
        {
            int token = (row / (heads * seq) * seq) + (row % seq);
            int angle = positions ? at[token] : token;
            for (int k = 0; k < pairs; k++)
            {
                int first = (row * headDim) + (interleaved ? 2 * k : k);
                int second = (row * headDim) + (interleaved ? (2 * k) + 1 : k + pairs);
                double c = cos[(angle * pairs) + k], s = sin[(angle * pairs) + k];
                expected[first] = (x[first] * c) - (x[second] * s);
                expected[second] = (x[second] * c) + (x[first] * s);
            }
        }

        // Two products and a sum of numbers below 1: at most 3 roundings of 2^-24 each.
        float[] actual = ty.ToArray<float>();
        for (int i = 0; i < actual.Length; i++)
            (Math.Abs(actual[i] - expected[i]) <= 3.0 / (1 << 24)).Should()
                .BeTrue($"element {i} of {problem}: {actual[i]} for {expected[i]}");
    }

    private static void CheckAppend(AttentionDevice device, bool circular, int[] starts)
    {
        const int batch = 2, heads = 2, capacity = 7, rows = 3, dim = 5;
        float[] cache = Values(batch * heads * capacity * dim, 4);
        float[] update = Values(batch * heads * rows * dim, 5);
        using CacheAppendPlan plan = device.Plan(new CacheAppendProblem
        {
            Batch = batch, Heads = heads, Capacity = capacity, Rows = rows, HeadDim = dim,
            Kv = circular ? KvLayout.Ring : default, Starts = true,
        });
        using DeviceTensor tc = device.Upload(cache, batch, heads, capacity, dim);
        using DeviceTensor tu = device.Upload(update, batch, heads, rows, dim);
        using DeviceTensor ts = device.Upload(starts, batch);
        plan.Run(new CacheAppendTensors { Cache = tc, Update = tu, Starts = ts });

        float[] expected = [.. cache];
        for (int head = 0; head < batch * heads; head++)
        {
            for (int r = 0; r < rows; r++)
            {
                int row = (starts[head / heads] + r) % capacity;
                Array.Copy(update, ((head * rows) + r) * dim, expected, ((head * capacity) + row) * dim, dim);
            }
        }
        tc.ToArray<float>().Should().Equal(expected);
    }

    private static float[] Values(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
