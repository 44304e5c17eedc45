using System.Globalization;
using System.Runtime.InteropServices;
using AttnKernels.Onnx;

namespace AttnKernels.Tests.Host;

/// <summary>The entry point of ONNX Attention against plain loops in double that follow the operator's specification.</summary>
public sealed class OnnxAttentionTests
{
    // Inputs lie in [-1, 1) and no sum has more than 12 terms: fp32 errs by less than 80 units in the last place of 1.
    private const double Tolerance = 1e-5;

    // Results in fp16, at most 4 in size, are rounded by half a unit: 2^-10.
    private const double HalfTolerance = 1.0 / 1024;
    private const float Poison = 7;

    public static TheoryData<string, string> Cases
    {
        get
        {
            TheoryData<string, string> cases = [];
            string[] attributes =
            [
                "", "rank3", "causal", "rank3 past", "past causal mask1", "past causal fmask2 short", "rank3 nonpad causal",
                "nonpad window fmask4",
                "past window causal mask3", "softcap fmask3", "rank3 softcap past mask4 short", "mode0 past short mask2",
                "mode3 rank3 causal",
                "mode3 past mask3 softcap", "mode0 softcap nonpad", "mode2", "mode1 softcap mask2", "mode1",
                "mode2 softcap causal past fmask3", "mode2 nonpad causal window mask4", "mode2 softcap", "present rank3", "hidden mask2",
                "mode3 hidden mask2",
                "mode2 mask2 short", "mode2 softcap causal past fmask4 short", "mode3 mask2 short", "mode3 rank3 past fmask3 short",
                "mode1 softcap mask2 short", "nonpad mask2 short", "nonpad causal window fmask4 short int64",
                "mode2 nonpad causal mask2 short",
                "mode3 nonpad softcap fmask2 short int64", "nonpad causal int64", "half mode0 mask2", "half mode1", "half mode1 softcap",
                "half mode2 past fmask2 short", "half mode3 causal", "half rank3 mode3 nonpad mask4 short",
            ];
            foreach (string device in new[] { "cpu", "simulator" }.Intersect(AttentionDevice.List().Select(d => d.Name)))
                foreach (string attribute in attributes) cases.Add(device, attribute);
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void It_follows_the_specification(string device, string attributes)
    {
        using AttentionDevice opened = AttentionDevice.Open(device);
        using Node node = new(opened, attributes);
        node.Plan.Run(node.Tensors);
        node.Compare();
    }

    [Theory]
    [InlineData("rank3 past causal mask3 short")]
    [InlineData("mode0 present nonpad")]
    [InlineData("mode3 window")]
    [InlineData("mode2 softcap nonpad fmask4")]
    [InlineData("half mode3 nonpad mask2 short int64")]
    public void A_run_allocates_nothing(string attributes)
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using Node node = new(device, attributes);
        node.Plan.Run(node.Tensors);
        long before = GC.GetAllocatedBytesForCurrentThread();
        node.Plan.Run(node.Tensors);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void A_bad_tensor_is_named_and_nothing_is_written()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using Node node = new(device, "rank3 past mode0");
        OnnxAttentionTensors good = node.Tensors;
        Refuse("Q", good with { Q = good.Q.Slice(1, 0, 1) });
        Refuse("K", good with { K = good.K.Slice(2, 0, 4) });
        Refuse("Y", good with { Y = good.PresentKey });
        Refuse("PastKey", good with { PastKey = default });
        Refuse("PresentValue", good with { PresentValue = good.PresentValue.Slice(2, 0, 2) });
        Refuse("QkMatmulOutput", good with { QkMatmulOutput = default });
        Refuse("Mask", good with { Mask = good.Q });
        Refuse("PresentKey", good with { PastKey = good.PresentKey.Slice(2, 0, Node.Past) });

        void Refuse(string name, OnnxAttentionTensors tensors)
        {
            Action run = () => node.Plan.Run(tensors);
            string? parameter = run.Should().Throw<ArgumentException>().Which.ParamName;
            parameter.Should().BeOneOf(name, name == "Mask" ? "Bias" : name);
            node.Outputs.Should().OnlyContain(x => x == Poison);
        }
    }

    public static TheoryData<string, string, string> Pairs
    {
        get
        {
            TheoryData<string, string, string> pairs = [];
            string[] outputs = ["Y", "PresentKey", "PresentValue", "QkMatmulOutput"];
            for (int output = 0; output < outputs.Length; output++)
            {
                foreach (string other in (string[])[.. outputs[(output + 1)..], "Q", "K", "V", "Mask", "PastKey", "PastValue"])
                    pairs.Add("past mode1 softcap mask4", outputs[output], other);
                pairs.Add("present nonpad mode0", outputs[output], "NonpadKvSeqlen");
            }
            return pairs;
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void An_output_that_overlaps_another_tensor_is_refused_and_nothing_is_written(string attributes, string output, string other)
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using Node node = new(device, attributes);
        float[] memory = Enumerable.Repeat(Poison, 4096).ToArray();
        GCHandle pin = GCHandle.Alloc(memory, GCHandleType.Pinned);
        OnnxAttentionTensors tensors = Shared(Shared(node.Tensors, output), other);

        Action run = () => node.Plan.Run(tensors);
        run.Should().Throw<ArgumentException>().WithMessage($"*{output} (*overlaps {other} (*").Which.ParamName.Should().Be(output);
        node.Outputs.Concat(memory).Should().OnlyContain(x => x == Poison);
        pin.Free();

        OnnxAttentionTensors Shared(OnnxAttentionTensors t, string name) => name switch
        {
            "Y" => t with { Y = In(t.Y) },
            "PresentKey" => t with { PresentKey = In(t.PresentKey) },
            "PresentValue" => t with { PresentValue = In(t.PresentValue) },
            "QkMatmulOutput" => t with { QkMatmulOutput = In(t.QkMatmulOutput) },
            "Q" => t with { Q = In(t.Q) },
            "K" => t with { K = In(t.K) },
            "V" => t with { V = In(t.V) },
            "Mask" => t with { Mask = In(t.Mask) },
            "PastKey" => t with { PastKey = In(t.PastKey) },
            "PastValue" => t with { PastValue = In(t.PastValue) },
            _ => t with { NonpadKvSeqlen = In(t.NonpadKvSeqlen) },
        };

        TensorView In(TensorView view) => device.Wrap(pin.AddrOfPinnedObject(), view.Type, view.Shape);
    }

    [Fact]
    public void A_past_that_overflows_the_number_of_keys_is_refused()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        OnnxAttentionShapes shapes = new() { Q = [1, 1, 1, 4], K = [1, 1, 1, 4], V = [1, 1, 1, 4], PastLength = int.MaxValue };
        Action plan = () => OnnxAttention.Plan(device, new OnnxAttentionAttributes(), shapes);
        plan.Should().Throw<ArgumentException>().WithMessage("PastLength must be between 0 and 536870911*");
    }

    [Theory]
    [InlineData("past nonpad", "nonpad_kv_seqlen excludes past_key.")]
    [InlineData("mode4", "qk_matmul_output_mode must be 0, 1, 2 or 3, is 4.")]
    [InlineData("heads0", "Inputs of rank 3 need q_num_heads and kv_num_heads.")]
    [InlineData("heads5", "*5 heads do not divide a hidden size of*")]
    [InlineData("badwindow", "left_window_size must be -1 or not negative, is -2.")]
    [InlineData("longmask mask2", "attn_mask has 8 columns for 7 keys.")]
    public void A_node_that_the_specification_forbids_is_refused(string attributes, string message)
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        Action plan = () => new Node(device, attributes).Dispose();
        plan.Should().Throw<ArgumentException>().WithMessage(message);
    }

    [Fact]
    public void Lengths_in_neither_form_are_refused()
    {
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using Node node = new(device, "nonpad int64");
        TensorView words = node.Tensors.NonpadKvSeqlen;
        foreach (TensorView bad in new[] { words.Slice(1, 0, 1), words.Slice(0, 0, 1), words.Transpose(0, 1),
            node.Tensors.Q.Select(0, 0).Select(0, 0) })
        {
            Action run = () => node.Plan.Run(node.Tensors with { NonpadKvSeqlen = bad });
            run.Should().Throw<ArgumentException>().WithParameterName("NonpadKvSeqlen");
            node.Outputs.Should().OnlyContain(x => x == Poison);
        }
    }

    [Fact]
    public void Threads_on_one_stream_keep_their_own_lengths()
    {
        const int Keys = 4096, Dim = 64; // the copy of the keys takes long enough for another thread to come between
        int[] shape = [1, 1, Keys, Dim];
        using AttentionDevice device = AttentionDevice.Open("cpu");
        using OnnxAttention node = OnnxAttention.Plan(device, new OnnxAttentionAttributes(), new OnnxAttentionShapes
        {
            Q = [1, 1, 1, Dim], K = shape, V = shape, NonpadKvSeqlen = true, Present = true,
        });
        using DeviceTensor q = device.Upload(HostDevices.Random(Dim, 1), 1, 1, 1, Dim);
        using DeviceTensor keys = device.Upload(HostDevices.Random(Keys * Dim, 2), shape);

        int changes = ((int[])[1, Keys]).AsParallel().WithExecutionMode(ParallelExecutionMode.ForceParallelism).Sum(Changes);

        changes.Should().Be(0, "the narrowed lengths of a run lie in a workspace that the other thread's run writes, before or after it");

        // Of 300 runs with the same length, those that differ from the first.
        int Changes(int length)
        {
            using DeviceTensor words = device.Upload([length, 0], 1, 2), y = device.Allocate(DType.Float32, 1, 1, 1, Dim);
            using DeviceTensor presentK = device.Allocate(DType.Float32, shape), presentV = device.Allocate(DType.Float32, shape);
            float[][] outputs = [.. Enumerable.Range(0, 300).Select(_ =>
            {
                node.Run(new OnnxAttentionTensors
                {
                    Q = q, K = keys, V = keys, NonpadKvSeqlen = words, Y = y, PresentKey = presentK, PresentValue = presentV,
                });
                return y.ToFloats();
            })];
            return outputs.Count(o => !o.SequenceEqual(outputs[0]));
        }
    }

    /// <summary>
    /// A node with random inputs, chosen by words: rank3, past, causal, window, softcap, half, int64, [f]maskN (N axes), modeN, ...
    /// </summary>
    private sealed class Node : IDisposable
    {
        public const int Past = 3;
        private const int Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 5, NewKeys = 7, Dim = 4, DimV = 6;

        private readonly HashSet<string> words;
        private readonly int past, mask, columns, mode;
        private readonly int[] lengths;
        private readonly float[] q, k, v, pastK, pastV, maskValues;
        private readonly DeviceTensor y;
        private readonly DeviceTensor? presentK, presentV, scores;

        public Node(AttentionDevice device, string attributes)
        {
            words = [.. attributes.Split(' ')];
            past = words.Contains("past") ? Past : 0;
            (mask, mode) = (Number("mask") + Number("fmask") + 1, Number("mode"));
            columns = Keys - (words.Contains("short") ? 2 : 0) + (words.Contains("longmask") ? 1 : 0);
            lengths = words.Contains("short") ? [3, columns] : [4, Keys];
            bool isBool = Number("fmask") < 0;
            bool is3 = words.Contains("rank3") || words.Any(w => w.StartsWith("heads", StringComparison.Ordinal));
            bool hasPresent = past > 0 || words.Contains("present");
            (q, k, v) = (Random(HeadsQ * SeqQ * Dim, 1), Random(HeadsKv * NewKeys * Dim, 2), Random(HeadsKv * NewKeys * DimV, 3));
            (pastK, pastV) = (Random(HeadsKv * Past * Dim, 4), Random(HeadsKv * Past * DimV, 5));
            int[] maskShape = mask <= 0 ? [] : new[] { Batch, HeadsQ, SeqQ, columns }[(4 - mask)..];
            maskValues = HostDevices.Random(maskShape.Aggregate(1, (a, b) => a * b), 6);
            if (isBool) maskValues = Array.ConvertAll(maskValues, x => words.Contains("hidden") || x < -0.4f ? 0f : 1f);
            Plan = OnnxAttention.Plan(
                device,
                new OnnxAttentionAttributes
                {
                    QNumHeads = is3 ? (Number("heads") >= 0 ? Number("heads") : HeadsQ) : 0,
                    KvNumHeads = is3 ? HeadsKv : 0,
                    IsCausal = words.Contains("causal"),
                    Softcap = Softcap,
                    LeftWindowSize = words.Contains("badwindow") ? -2 : words.Contains("window") ? 2 : -1,
                    RightWindowSize = words.Contains("window") ? 1 : -1,
                    QkMatmulOutputMode = Math.Max(0, mode),
                },
                new OnnxAttentionShapes
                {
                    Q = Shape(is3, HeadsQ, SeqQ, Dim),
                    K = Shape(is3, HeadsKv, NewKeys, Dim),
                    V = Shape(is3, HeadsKv, NewKeys, DimV),
                    Mask = mask > 0 ? maskShape : null,
                    Type = Type,
                    MaskType = isBool ? DType.Bool : DType.Float32,
                    PastLength = past > 0 ? past : null,
                    NonpadKvSeqlen = words.Contains("nonpad"),
                    Present = words.Contains("present"),
                    QkMatmulOutput = mode >= 0,
                });
            y = Poisoned(device, Type, [.. Plan.OutputShape]);
            if (hasPresent) presentK = Poisoned(device, Type, Batch, HeadsKv, Keys, Dim);
            if (hasPresent) presentV = Poisoned(device, Type, Batch, HeadsKv, Keys, DimV);
            if (mode >= 0) scores = Poisoned(device, Type, Batch, HeadsQ, SeqQ, Keys);
            Tensors = new OnnxAttentionTensors
            {
                Q = Input(device, is3, q, HeadsQ, SeqQ, Dim),
                K = Input(device, is3, k, HeadsKv, NewKeys, Dim),
                V = Input(device, is3, v, HeadsKv, NewKeys, DimV),
                Y = y,
                PastKey = past > 0 ? Input(device, false, pastK, HeadsKv, Past, Dim) : default(TensorView),
                PastValue = past > 0 ? Input(device, false, pastV, HeadsKv, Past, DimV) : default(TensorView),
                Mask = mask <= 0 ? default(TensorView)
                    : isBool ? device.Upload(Array.ConvertAll(maskValues, x => x != 0), maskShape)
                    : device.Upload(maskValues, maskShape),
                NonpadKvSeqlen = words.Contains("nonpad") ? Lengths(device) : default(TensorView),
                PresentKey = presentK,
                PresentValue = presentV,
                QkMatmulOutput = scores,
            };
        }

        public OnnxAttention Plan { get; }

        public OnnxAttentionTensors Tensors { get; }

        public IEnumerable<float> Outputs => new[] { y, presentK, presentV, scores }.SelectMany(t => t?.ToFloats() ?? []);

        private int Keys => past + NewKeys;

        private DType Type => words.Contains("half") ? DType.Float16 : DType.Float32;

        private double Tolerance => words.Contains("half") ? HalfTolerance : OnnxAttentionTests.Tolerance;

        private float Softcap => words.Contains("softcap") ? 0.7f : 0;

        public void Dispose() => Plan.Dispose();

        /// <summary>Compares every output with loops in double.</summary>
        public void Compare()
        {
            (float[] gotY, float[]? gotScores) = (y.ToFloats(), scores?.ToFloats());
            bool is3 = y.Shape.Length == 3;
            for (int n = 0; n < Batch * HeadsQ * SeqQ; n++)
            {
                (int i, int h, int b) = (n % SeqQ, n / SeqQ % HeadsQ, n / SeqQ / HeadsQ);
                double[] raw = [.. Enumerable.Range(0, Keys).Select(j => Enumerable.Range(0, Dim)
                    .Sum(d => (double)q[At(HeadsQ, SeqQ, Dim, b, h, i, d)] * Key(b, h / 2, j, d)) / Math.Sqrt(Dim))];
                double[] capped = [.. raw.Select(x => Softcap > 0 ? Softcap * Math.Tanh(x / Softcap) : x)];
                double[] s = [.. capped.Select((x, j) => Visible(b, i, j) ? x + Mask(b, h, i, j) : double.NegativeInfinity)];
                double[] output = mode switch { 1 => capped, 2 => s, _ => raw };
                double sum = s.Sum(Math.Exp);
                double[] p = [.. s.Select(x => sum == 0 ? 0 : Math.Exp(x) / sum)];
                for (int d = 0; d < DimV; d++)
                {
                    double expected = p.Select((w, j) => w * Value(b, h / 2, j, d)).Sum();
                    int at = is3 ? (((((b * SeqQ) + i) * HeadsQ) + h) * DimV) + d : At(HeadsQ, SeqQ, DimV, b, h, i, d);
                    ((double)gotY[at]).Should().BeApproximately(expected, Tolerance);
                }
                for (int j = 0; j < Keys && gotScores is not null; j++)
                    ((double)gotScores[(n * Keys) + j]).Should().BeApproximately(mode == 3 ? p[j] : output[j], Tolerance);
            }
            for (int n = 0; presentK is not null && n < presentK.Count; n++)
                presentK.ToFloats()[n].Should().Be(Key(n / Dim / Keys / HeadsKv, n / Dim / Keys % HeadsKv, n / Dim % Keys, n % Dim));
            for (int n = 0; presentV is not null && n < presentV.Count; n++)
                presentV.ToFloats()[n].Should().Be(Value(n / DimV / Keys / HeadsKv, n / DimV / Keys % HeadsKv, n / DimV % Keys, n % DimV));
        }

        private bool Visible(int b, int i, int j)
        {
            bool nonpad = words.Contains("nonpad");
            int diagonal = nonpad ? i + lengths[b] - SeqQ : i + past;
            if (nonpad && j >= lengths[b]) return false;
            if (words.Contains("causal") && j > diagonal) return false;
            return !words.Contains("window") || (j >= diagonal - 2 && j <= diagonal + 1);
        }

        /// <summary>What the mask adds: hidden keys -inf, those beyond a short mask too.</summary>
        private double Mask(int b, int h, int i, int j)
        {
            if (mask <= 0) return 0;
            if (j >= columns) return double.NegativeInfinity;
            int row = mask == 1 ? 0 : mask == 2 ? i : mask == 3 ? (h * SeqQ) + i : (((b * HeadsQ) + h) * SeqQ) + i;
            float value = maskValues[(row * columns) + j];
            return Number("fmask") >= 0 ? value : value != 0 ? 0 : double.NegativeInfinity;
        }

        private float Key(int b, int h, int j, int d) =>
            j < past ? pastK[At(HeadsKv, Past, Dim, b, h, j, d)] : k[At(HeadsKv, NewKeys, Dim, b, h, j - past, d)];

        private float Value(int b, int h, int j, int d) =>
            j < past ? pastV[At(HeadsKv, Past, DimV, b, h, j, d)] : v[At(HeadsKv, NewKeys, DimV, b, h, j - past, d)];

        /// <summary>The number behind a word, -1 if it is not there.</summary>
        private int Number(string word) => words
            .Where(w => w.Length == word.Length + 1 && w.StartsWith(word, StringComparison.Ordinal))
            .Select(w => int.Parse(w[^1..], CultureInfo.InvariantCulture)).DefaultIfEmpty(-1).First();

        private static int At(int heads, int rows, int dim, int b, int h, int i, int d) => (((((b * heads) + h) * rows) + i) * dim) + d;

        private static int[] Shape(bool is3, int heads, int rows, int dim) => is3 ? [Batch, rows, heads * dim] : [Batch, heads, rows, dim];

        /// <summary>Numbers that fp16 holds, too.</summary>
        private static float[] Random(int perBatch, int seed) =>
            Array.ConvertAll(HostDevices.Random(Batch * perBatch, seed), x => (float)(Half)x);

        private DeviceTensor Lengths(AttentionDevice device) => words.Contains("int64")
            ? device.Upload<int>([.. lengths.SelectMany(length => new[] { length, 0 })], Batch, 2)
            : device.Upload(lengths, Batch);

        private DeviceTensor Input(AttentionDevice device, bool is3, float[] values, int heads, int rows, int dim)
        {
            if (!is3) return device.UploadAs(Type, values, Batch, heads, rows, dim);
            float[] moved = new float[values.Length];
            for (int n = 0; n < values.Length; n++)
            {
                (int d, int h, int i, int b) = (n % dim, n / dim % heads, n / dim / heads % rows, n / dim / heads / rows);
                moved[n] = values[At(heads, rows, dim, b, h, i, d)];
            }
            return device.UploadAs(Type, moved, Batch, rows, heads * dim);
        }

        private static DeviceTensor Poisoned(AttentionDevice device, DType type, params int[] shape) =>
            device.UploadAs(type, Enumerable.Repeat(Poison, shape.Aggregate(1, (a, b) => a * b)).ToArray(), shape);
    }
}
