using AttnKernels.Cli.Heatmap;
using Google.Protobuf;

namespace AttnKernels.Tests.Cli;

/// <summary>The heat map of an ONNX Attention node shows the weights that the specification says, with every attribute and input.</summary>
public sealed class HeatmapNodeTests : IDisposable
{
    private const int Batch = 2, Heads = 2, Queries = 3, Past = 1, Keys = 4, Dim = 2, Float = 1;

    private readonly string folder = Directory.CreateTempSubdirectory("attn-heatmap").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(null)]
    [InlineData(0.75f)]
    public void It_shows_the_weights_of_the_whole_node(float? scale)
    {
        float[] q = Input(0, [Batch, Queries, Heads * Dim]), k = Input(1, [Batch, Keys - Past, Dim]);
        Input(2, [Batch, Keys - Past, Dim]);
        float[] mask = Input(3, [Queries, Keys]), pastKey = Input(4, [Batch, 1, Past, Dim]);
        Input(5, [Batch, 1, Past, Dim]);
        WriteModel("Attention", ("q_num_heads", 2L), ("kv_num_heads", 1L), ("is_causal", 1L), ("softcap", 0.5f), ("scale", 0.25f));

        using AttentionDevice device = AttentionDevice.Open("cpu");
        HeatmapWeights weights = HeatmapWeights.OfNode(device, folder, scale);

        (weights.Batch, weights.Heads, weights.SeqQ, weights.SeqKv).Should().Be((Batch, Heads, Queries, Keys));
        for (int n = 0; n < Batch * Heads * Queries; n++)
        {
            (int i, int h, int b) = (n % Queries, n / Queries % Heads, n / Queries / Heads);
            double[] s = [.. Enumerable.Range(0, Keys).Select(j => j > i + Past ? double.NegativeInfinity : Score(b, h, i, j))];
            double sum = s.Sum(Math.Exp);
            for (int j = 0; j < Keys; j++)
                ((double)weights.Values[(n * Keys) + j]).Should().BeApproximately(Math.Exp(s[j]) / sum, 1e-6);
        }

        double Score(int b, int h, int i, int j)
        {
            double dot = 0;
            for (int d = 0; d < Dim; d++)
            {
                float key = j < Past ? pastKey[(b * Dim) + d] : k[(((b * (Keys - Past)) + j - Past) * Dim) + d];
                dot += q[(((((b * Queries) + i) * Heads) + h) * Dim) + d] * key;
            }
            return (0.5 * Math.Tanh((scale ?? 0.25) * dot / 0.5)) + mask[(i * Keys) + j];
        }
    }

    [Fact]
    public void Panels_name_their_batch_entry()
    {
        string page = HeatmapPage.Render("t", new HeatmapWeights(2, 2, 1, 1, [1, 1, 1, 1]), null);
        page.Should().Contain("batch 0, head 1").And.Contain("batch 1, head 0").And.Contain("2 batch entries");
    }

    [Fact]
    public void Another_node_is_refused()
    {
        WriteModel("MatMul");
        using AttentionDevice device = AttentionDevice.Open("cpu");
        Action draw = () => HeatmapWeights.OfNode(device, folder, null);
        draw.Should().Throw<InvalidDataException>().WithMessage("*not a single Attention node*");
    }

    /// <summary>Writes an input of random numbers and returns them.</summary>
    private float[] Input(int index, int[] shape)
    {
        float[] values = new float[shape.Aggregate(1, (a, b) => a * b)];
        Random random = new(index);
        for (int n = 0; n < values.Length; n++) values[n] = (random.NextSingle() * 4) - 2;
        string data = Directory.CreateDirectory(Path.Combine(folder, "test_data_set_0")).FullName;
        File.WriteAllBytes(Path.Combine(data, $"input_{index}.pb"), Message(tensor =>
        {
            foreach (int size in shape) Number(tensor, 1, size);
            Number(tensor, 2, Float);
            foreach (float value in values) Single(tensor, 4, value);
        }));
        return values;
    }

    /// <summary>Writes a model of one node with the inputs 0 to 5 and the output 6.</summary>
    private void WriteModel(string type, params (string Name, object Value)[] attributes) =>
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), Message(model =>
        {
            Nested(model, 7, graph =>
            {
                Nested(graph, 1, node =>
                {
                    for (int i = 0; i < 6; i++) Text(node, 1, $"{i}");
                    Text(node, 2, "6");
                    Text(node, 4, type);
                    foreach ((string name, object value) in attributes)
                    {
                        Nested(node, 5, attribute =>
                        {
                            Text(attribute, 1, name);
                            if (value is float single) Single(attribute, 2, single);
                            else Number(attribute, 3, (long)value);
                        });
                    }
                });
                for (int i = 0; i < 6; i++) Nested(graph, 11, input => Text(input, 1, $"{i}"));
            });
            Nested(model, 8, opset => Number(opset, 2, 24));
        }));

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream memory = new();
        using (CodedOutputStream output = new(memory, leaveOpen: true)) write(output);
        return memory.ToArray();
    }

    private static void Nested(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static void Text(CodedOutputStream output, int field, string value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void Number(CodedOutputStream output, int field, long value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    }

    private static void Single(CodedOutputStream output, int field, float value)
    {
        output.WriteTag(field, WireFormat.WireType.Fixed32);
        output.WriteFloat(value);
    }
}
