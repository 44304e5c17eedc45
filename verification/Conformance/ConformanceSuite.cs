using AttnKernels.Onnx;

namespace AttnKernels.Verification;

/// <summary>What became of a node test.</summary>
/// <param name="Name">Its folder.</param>
/// <param name="Operator">What the model computes.</param>
/// <param name="Outcome">Passed, failed or unsupported.</param>
/// <param name="Worst">Largest error / tolerance.</param>
/// <param name="Detail">The worst element, what differs, or why it is unsupported.</param>
public sealed record ConformanceResult(string Name, string Operator, Outcome Outcome, double Worst, string Detail);

/// <summary>
/// ONNX backend node tests: folders with model.onnx and test_data_set_N/{input,output}_i.pb. Accepted is |got - expected| &lt;= 1e-7 +
/// 1e-3 |expected|, as ONNX's own runner does, with exactly the expected shape and type.
/// </summary>
public static class ConformanceSuite
{
    private const double RelativeTolerance = 1e-3;
    private const double AbsoluteTolerance = 1e-7;

    /// <summary>The folders below <paramref name="directory"/> that hold a model.onnx, by name.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public static IReadOnlyList<string> Find(string directory) =>
        [.. Directory.EnumerateFiles(directory, "model.onnx", SearchOption.AllDirectories)
            .Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal)];

    /// <summary>Runs one folder. Throws nothing: what goes wrong is in the result.</summary>
    public static ConformanceResult Run(AttentionDevice device, string folder)
    {
        string name = Path.GetFileName(folder), type = "?";
        try
        {
            (OnnxReader.Graph graph, long opset) = OnnxReader.Model(File.ReadAllBytes(Path.Combine(folder, "model.onnx")));
            type = string.Join('+', graph.Nodes.Select(n => n.Operator));
            string[] sets = [.. Directory.EnumerateDirectories(folder, "test_data_set_*").Order(StringComparer.Ordinal)];
            if (sets.Length == 0) throw new InvalidDataException("The folder has no test_data_set_0.");
            Comparison worst = sets.Select(set => RunDataSet(device, graph, opset, set)).MaxBy(c => c.Worst)!;
            return new ConformanceResult(name, type, worst.Passed ? Outcome.Passed : Outcome.Failed, worst.Worst, worst.ToString());
        }
        catch (NotSupportedException e)
        {
            return new ConformanceResult(name, type, Outcome.Unsupported, 0, e.Message);
        }
#pragma warning disable CA1031 // Whatever goes wrong is this test's failure and must not end the run.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new ConformanceResult(name, type, Outcome.Failed, double.PositiveInfinity, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private static Comparison RunDataSet(AttentionDevice device, OnnxReader.Graph graph, long opset, string folder)
    {
        Dictionary<string, OnnxTensor> values = Inputs(graph, folder);
        foreach (OnnxReader.Node node in graph.Nodes)
        {
            OnnxNode call = new(node.Operator, opset, node.Attributes, [.. node.Outputs.Select(name => name.Length > 0)]);
            OnnxTensor?[] outputs = OnnxOperators.Run(device, call, InputsOf(node, values));
            for (int i = 0; i < node.Outputs.Length; i++)
                if (node.Outputs[i].Length > 0) values[node.Outputs[i]] = outputs[i]!;
        }
        return graph.Outputs.Select((name, i) => Compare(name, Load(folder, $"output_{i}.pb"), values[name])).MaxBy(c => c.Worst)!;
    }

    /// <summary>The graph's constants, and its inputs from the files of a data set.</summary>
    internal static Dictionary<string, OnnxTensor> Inputs(OnnxReader.Graph graph, string folder)
    {
        Dictionary<string, OnnxTensor> values = new(graph.Constants);
        string[] free = [.. graph.Inputs.Where(name => !graph.Constants.ContainsKey(name))];
        for (int i = 0; i < free.Length; i++)
            values[free[i]] = Load(folder, $"input_{i}.pb");
        return values;
    }

    /// <summary>A node's inputs in its order; null for those left out.</summary>
    internal static OnnxTensor?[] InputsOf(OnnxReader.Node node, Dictionary<string, OnnxTensor> values) =>
        [.. node.Inputs.Select(name => name.Length == 0 ? null : values[name])];

    private static OnnxTensor Load(string folder, string file) => OnnxReader.Tensor(File.ReadAllBytes(Path.Combine(folder, file))).Tensor;

    private static Comparison Compare(string name, OnnxTensor expected, OnnxTensor got)
    {
        if (got.Type != expected.Type) throw new InvalidDataException($"{name}: expected type {expected.Type}, got {got.Type}.");
        if (!got.Shape.SequenceEqual(expected.Shape))
            throw new InvalidDataException(
                $"{name}: expected shape [{string.Join(',', expected.Shape)}], got [{string.Join(',', got.Shape)}].");
        Expected tolerance = new(name, expected.Shape, 1);
        float[] values = expected.ToFloats();
        for (int n = 0; n < values.Length; n++)
        {
            tolerance.Values[n] = values[n];
            tolerance.Bounds[n] = AbsoluteTolerance + (RelativeTolerance * Math.Abs((double)values[n]));
        }
        return Comparison.Of(tolerance, got.ToFloats());
    }
}
