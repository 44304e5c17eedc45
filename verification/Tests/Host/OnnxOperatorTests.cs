using AttnKernels.Onnx;

namespace AttnKernels.Tests.Host;

/// <summary>The entry points of ONNX's smaller operators against plain loops in double that follow their specifications.</summary>
public sealed class OnnxOperatorTests
{
    // Inputs lie in [-1, 1) and no sum has more than 12 terms: fp32 errs by less than 80 units in the last place of 1.
    private const double Tolerance = 1e-5;
    private const float Poison = 7;

    public static TheoryData<string> Devices =>
        [.. new[] { "cpu", "simulator" }.Intersect(AttentionDevice.List().Select(d => d.Name))];

    [Theory, MemberData(nameof(Devices))]
    public void MatMul_broadcasts_like_numpy(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        Check("3,4", "4,5", "3,5");
        Check("2,3,4", "4,5", "2,3,5");
        Check("2,1,3,4", "3,4,5", "2,3,3,5");
        Check("4", "4,5", "5");
        Check("2,3,4", "4", "2,3");
        Check("4", "2,4,5", "2,5");
        Check("4", "4", "");

        void Check(string left, string right, string expected)
        {
            (int[] shapeA, int[] shapeB) = (Parse(left), Parse(right));
            (float[] a, float[] b) = (Random(shapeA, 1), Random(shapeB, 2));
            using OnnxMatMul node = OnnxMatMul.Plan(device, DType.Float32, shapeA, shapeB);
            string.Join(',', node.OutputShape).Should().Be(expected);
            using DeviceTensor y = Poisoned(device, node.OutputShape.Count == 0 ? [1] : [.. node.OutputShape]);
            node.Run(device.Upload(a, shapeA), device.Upload(b, shapeB), y);

            MatmulProblem p = node.Problem;
            float[] got = y.ToFloats();
            for (int n = 0; n < got.Length; n++)
            {
                (int j, int i, int b1, int b0) = (n % p.N, n / p.N % p.M, n / p.N / p.M % p.Batch1, n / p.N / p.M / p.Batch1);
                int batchA = Batch(shapeA, b0, b1), batchB = Batch(shapeB, b0, b1);
                double sum = Enumerable.Range(0, p.K)
                    .Sum(k => (double)a[(((batchA * p.M) + i) * p.K) + k] * b[(((batchB * p.K) + k) * p.N) + j]);
                ((double)got[n]).Should().BeApproximately(sum, Tolerance);
            }
        }

        static int Batch(int[] shape, int b0, int b1)
        {
            int size0 = shape.Length > 3 ? shape[^4] : 1, size1 = shape.Length > 2 ? shape[^3] : 1;
            return ((size0 == 1 ? 0 : b0) * size1) + (size1 == 1 ? 0 : b1);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Softmax_runs_along_its_axis(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        foreach (bool log in new[] { false, true })
        {
            Check(new() { Log = log }, outer: 6, columns: 4, inner: 1);
            Check(new() { Log = log, Axis = 1 }, outer: 2, columns: 3, inner: 4);
            Check(new() { Log = log, Axis = -3 }, outer: 1, columns: 2, inner: 12);
            Check(new() { Log = log, Flattens = true }, outer: 2, columns: 12, inner: 1);
        }

        void Check(OnnxSoftmaxAttributes attributes, int outer, int columns, int inner)
        {
            float[] x = Random([2, 3, 4], 3);
            using OnnxSoftmax node = OnnxSoftmax.Plan(device, attributes, DType.Float32, [2, 3, 4]);
            node.ScratchShape.Should().Equal(inner == 1 ? Array.Empty<int>() : [outer, inner, columns]);
            using DeviceTensor y = Poisoned(device, 2, 3, 4);
            using DeviceTensor? scratch = inner == 1 ? null : Poisoned(device, outer, inner, columns);
            node.Run(device.Upload(x, 2, 3, 4), y, scratch);
            float[] got = y.ToFloats();
            for (int n = 0; n < got.Length; n++)
            {
                int first = (n / inner / columns * columns * inner) + (n % inner);
                double sum = Enumerable.Range(0, columns).Sum(c => Math.Exp(x[first + (c * inner)]));
                ((double)got[n]).Should().BeApproximately(attributes.Log ? x[n] - Math.Log(sum) : Math.Exp(x[n]) / sum, Tolerance);
            }
        }
    }

    /// <summary>Sizes around the squares in which a device may copy elements, and strides that share a set of the cache.</summary>
    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    public void Softmax_takes_a_middle_axis_of_any_length(DType type)
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        (int, int, int)[] shapes = [(3, 16, 32), (2, 17, 15), (1, 33, 47), (2, 1, 5), (2, 5, 2), (2, 17, 2048), (1, 2048, 18)];
        foreach ((int outer, int columns, int inner) in shapes)
        {
            int[] shape = [outer, columns, inner];
            float[] x = Random(shape, 3);
            using DeviceTensor given = device.UploadAs(type, x, shape), moved = device.Allocate(type, outer, inner, columns);
            x = given.ToFloats();
            using DeviceTensor y = device.Allocate(type, shape);
            using OnnxSoftmax node = OnnxSoftmax.Plan(device, new() { Axis = 1, Log = true }, type, shape);
            node.Run(given, y, moved);
            float[] got = y.ToFloats();
            for (int n = 0; n < got.Length; n++)
            {
                int first = (n / inner / columns * columns * inner) + (n % inner);
                double sum = Enumerable.Range(0, columns).Sum(c => Math.Exp(x[first + (c * inner)]));
                ((double)got[n]).Should().BeApproximately(x[n] - Math.Log(sum), type == DType.Float32 ? Tolerance : 4e-3);
            }
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void RotaryEmbedding_turns_pairs(string name)
    {
        const int Batch = 2, Heads = 3, Seq = 4, Dim = 6, Turned = 4, Rows = 9;
        using AttentionDevice device = AttentionDevice.Open(name);
        int[] positions = [3, 0, 8, 5, 1, 2, 7, 4];
        Check(isRank3: false, isInterleaved: false, hasPositions: false);
        Check(isRank3: true, isInterleaved: true, hasPositions: true);
        Check(isRank3: false, isInterleaved: true, hasPositions: true, areWords: true);

        void Check(bool isRank3, bool isInterleaved, bool hasPositions, bool areWords = false)
        {
            int[] shape = isRank3 ? [Batch, Seq, Heads * Dim] : [Batch, Heads, Seq, Dim];
            int[] angleShape = hasPositions ? [Rows, Turned / 2] : [Batch, Seq, Turned / 2];
            (float[] x, float[] cos, float[] sin) = (Random(shape, 4), Random(angleShape, 5), Random(angleShape, 6));
            using OnnxRotaryEmbedding node = OnnxRotaryEmbedding.Plan(
                device,
                new() { NumHeads = isRank3 ? Heads : 0, RotaryEmbeddingDim = Turned, Interleaved = isInterleaved },
                new() { X = shape, MaxPosition = hasPositions ? Rows : null });
            using DeviceTensor y = Poisoned(device, shape);
            node.Run(new()
            {
                X = device.Upload(x, shape), Y = y, Cos = device.Upload(cos, angleShape), Sin = device.Upload(sin, angleShape),
                Positions = !hasPositions ? default(TensorView)
                    : areWords ? device.Upload(Words(positions), Batch, Seq, 2) : device.Upload(positions, Batch, Seq),
            });

            float[] got = y.ToFloats();
            for (int n = 0; n < got.Length; n++)
            {
                int d = n % Dim, token = isRank3 ? n / Dim / Heads : (n / Dim / Seq / Heads * Seq) + (n / Dim % Seq);
                int pair = isInterleaved ? d / 2 : d % (Turned / 2), other = isInterleaved ? d ^ 1 : (d + (Turned / 2)) % Turned;
                int angle = ((hasPositions ? positions[token] : token) * (Turned / 2)) + pair;
                double sign = other > d ? -1 : 1;
                double expected = d >= Turned ? x[n] : ((double)x[n] * cos[angle]) + (sign * x[n - d + other] * sin[angle]);
                ((double)got[n]).Should().BeApproximately(expected, Tolerance);
            }
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void TensorScatter_writes_from_each_index_on(string name)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        Check("2,3,5,4", axis: -2, rows: 2, isCircular: false, [3, 0], isInPlace: false);
        Check("2,3,5,4", axis: 2, rows: 3, isCircular: true, [4, 1], isInPlace: true);
        Check("2,5,4", axis: 1, rows: 2, isCircular: false, [1, 2], isInPlace: false);
        Check("2,5,4", axis: 1, rows: 2, isCircular: false, [3, 1], isInPlace: true, areWords: true);
        Check("2,4,5", axis: -1, rows: 2, isCircular: false, null, isInPlace: true);

        void Check(string cacheShape, int axis, int rows, bool isCircular, int[]? starts, bool isInPlace, bool areWords = false)
        {
            int[] shape = Parse(cacheShape), updateShape = [.. shape];
            int at = axis < 0 ? axis + shape.Length : axis;
            updateShape[at] = rows;
            (float[] past, float[] update) = (Random(shape, 7), Random(updateShape, 8));
            using OnnxTensorScatter node = OnnxTensorScatter.Plan(
                device,
                new() { Axis = axis, Circular = isCircular },
                new() { Cache = shape, Update = updateShape, WriteIndices = starts is not null });
            using DeviceTensor pastTensor = device.Upload(past, shape), separate = Poisoned(device, shape);
            DeviceTensor present = isInPlace ? pastTensor : separate;
            node.Run(new()
            {
                PastCache = pastTensor, Update = device.Upload(update, updateShape), PresentCache = present,
                WriteIndices = starts is null ? default(TensorView) : areWords ? device.Upload(Words(starts), 2, 2)
                : device.Upload(starts, 2),
            });

            float[] got = present.ToFloats();
            int dim = shape[(at + 1)..].Aggregate(1, (a, b) => a * b), capacity = shape[at], perBatch = got.Length / 2;
            for (int n = 0; n < got.Length; n++)
            {
                int start = starts?[n / perBatch] ?? 0, row = (n / dim % capacity) - start;
                if (isCircular) row = (row + capacity) % capacity;
                bool isNew = row >= 0 && row < rows;
                got[n].Should().Be(isNew ? update[(((n / dim / capacity * rows) + row) * dim) + (n % dim)] : past[n]);
            }
            if (!isInPlace) pastTensor.ToFloats().Should().Equal(past);
        }
    }

    /// <summary>int64 as they lie in memory.</summary>
    private static int[] Words(int[] values) => [.. values.SelectMany(value => new[] { value, 0 })];

    [Fact]
    public void A_run_allocates_nothing()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using OnnxMatMul matmul = OnnxMatMul.Plan(device, DType.Float32, [2, 4], [4]);
        using OnnxSoftmax softmax = OnnxSoftmax.Plan(device, new() { Axis = 0 }, DType.Float32, [2, 4]);
        using OnnxTensorScatter scatter = OnnxTensorScatter.Plan(device, new(), new() { Cache = [2, 4, 1], Update = [2, 2, 1] });
        using OnnxRotaryEmbedding rotary = OnnxRotaryEmbedding.Plan(device, new() { NumHeads = 1 }, new() { X = [1, 2, 4] });
        using DeviceTensor a = Poisoned(device, 2, 4), b = Poisoned(device, 4), y = Poisoned(device, 2);
        using DeviceTensor scratch = Poisoned(device, 1, 4, 2);
        using DeviceTensor cache = Poisoned(device, 2, 4, 1), update = Poisoned(device, 2, 2, 1), other = Poisoned(device, 2, 4, 1);
        using DeviceTensor x = Poisoned(device, 1, 2, 4), angles = Poisoned(device, 1, 2, 2);
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);

        void Run()
        {
            matmul.Run(a, b, y);
            softmax.Run(a, a, scratch);
            scatter.Run(new() { PastCache = cache, Update = update, PresentCache = other });
            rotary.Run(new() { X = x, Y = x, Cos = angles, Sin = angles });
        }
    }

    [Fact]
    public void A_bad_tensor_is_named_and_nothing_is_written()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using OnnxMatMul matmul = OnnxMatMul.Plan(device, DType.Float32, [2, 4], [4]);
        using OnnxSoftmax softmax = OnnxSoftmax.Plan(device, new() { Axis = 0 }, DType.Float32, [2, 4]);
        using OnnxTensorScatter scatter = OnnxTensorScatter.Plan(device, new(), new() { Cache = [2, 4, 1], Update = [2, 2, 1] });
        using OnnxRotaryEmbedding rotary = OnnxRotaryEmbedding.Plan(device, new() { NumHeads = 2 }, new() { X = [1, 2, 4] });
        using DeviceTensor a = device.Allocate(DType.Float32, 2, 4), b = device.Allocate(DType.Float32, 4);
        using DeviceTensor half = device.Allocate(DType.Float16, 4);
        using DeviceTensor cache = device.Allocate(DType.Float32, 2, 4, 1), update = device.Allocate(DType.Float32, 2, 2, 1);
        using DeviceTensor x = device.Allocate(DType.Float32, 1, 2, 4), angles = device.Allocate(DType.Float32, 1, 2, 1);
        using DeviceTensor y2 = Poisoned(device, 2), y = Poisoned(device, 2, 4), scratch = Poisoned(device, 1, 4, 2);
        using DeviceTensor present = Poisoned(device, 2, 4, 1);
        using DeviceTensor turned = Poisoned(device, 1, 2, 4);

        Refuse("A", () => matmul.Run(b, b, y2));
        Refuse("B", () => matmul.Run(a, half, y2));
        Refuse("Y", () => matmul.Run(a, b, y));
        Refuse("X", () => softmax.Run(default, y, scratch));
        Refuse("Y", () => softmax.Run(a, y.View.Transpose(0, 1), scratch));
        Refuse("Scratch", () => softmax.Run(a, y));
        Refuse("Update", () => scatter.Run(new() { PastCache = cache, Update = cache, PresentCache = present }));
        Refuse("Starts", () => scatter.Run(new() { PastCache = cache, Update = update, PresentCache = present, WriteIndices = b }));
        TensorView overlap = present.View.Reshape(8).Slice(0, 0, 4).Reshape(2, 2, 1);
        Refuse("Cache", () => scatter.Run(new() { PastCache = cache, Update = overlap, PresentCache = present }));
        Refuse("X", () => rotary.Run(new() { X = cache, Y = turned, Cos = angles, Sin = angles }));
        Refuse("Sin", () => rotary.Run(new() { X = x, Y = turned, Cos = angles, Sin = default }));

        void Refuse(string name, Action run)
        {
            run.Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
            new[] { y2, y, scratch, present, turned }.SelectMany(t => t.ToFloats()).Should().OnlyContain(value => value == Poison);
        }
    }

    [Fact]
    public void A_node_that_the_specification_forbids_is_refused()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        Refuse(() => OnnxMatMul.Plan(device, DType.Float32, [], [4]));
        Refuse(() => OnnxMatMul.Plan(device, DType.Float32, [3, 4], [3, 4]));
        Refuse(() => OnnxMatMul.Plan(device, DType.Float32, [2, 3, 4], [3, 4, 5]));
        Refuse(() => OnnxSoftmax.Plan(device, new() { Axis = 2 }, DType.Float32, [2, 4]));
        Refuse(() => OnnxSoftmax.Plan(device, new() { Axis = -3 }, DType.Float32, [2, 4]));
        Refuse(() => OnnxRotaryEmbedding.Plan(device, new() { NumHeads = 3 }, new() { X = [1, 2, 4] }));
        Refuse(() => OnnxRotaryEmbedding.Plan(device, new(), new() { X = [1, 2, 4] }));
        Refuse(() => OnnxRotaryEmbedding.Plan(device, new(), new() { X = [2, 4] }));
        Refuse(
            () => OnnxTensorScatter.Plan(device, new() { Axis = 1 }, new() { Cache = [4], Update = [2] }), "past_cache (4) needs 2 axes*");
        Refuse(() => OnnxTensorScatter.Plan(device, new() { Axis = 0 }, new() { Cache = [2, 4, 1], Update = [2, 2, 1] }));
        Refuse(() => OnnxTensorScatter.Plan(device, new(), new() { Cache = [2, 4, 3], Update = [2, 2, 1] }));
        Refuse(() => OnnxTensorScatter.Plan(device, new(), new() { Cache = [2, 4, 3], Update = [2, 2] }));
        Refuse(() => OnnxTensorScatter.Plan(device, new(), new() { Cache = [2, 4, 3], Update = [2, 5, 3] }));
        Action batches = () => OnnxMatMul.Plan(device, DType.Float32, [2, 2, 2, 3, 4], [4, 5]);
        batches.Should().Throw<NotSupportedException>();

        static void Refuse(Func<IDisposable> plan, string message = "*") =>
            plan.Should().Throw<ArgumentException>().WithMessage(message);
    }

    private static int[] Parse(string shape) => [.. shape.Split(',').Select(int.Parse)];

    private static float[] Random(int[] shape, int seed) => HostDevices.Random(shape.Aggregate(1, (a, b) => a * b), seed);

    private static DeviceTensor Poisoned(AttentionDevice device, params int[] shape) =>
        device.Upload(Enumerable.Repeat(Poison, shape.Aggregate(1, (a, b) => a * b)).ToArray(), shape);
}
