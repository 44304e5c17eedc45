namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>Writes small ONNX models: the numbers are the field numbers of onnx.proto.</summary>
internal sealed class OnnxModel
{
    /// <summary>onnx.TensorProto.DataType of fp32.</summary>
    public const int Float = 1;

    /// <summary>onnx.TensorProto.DataType of 32-bit integers.</summary>
    public const int Int32 = 6;

    /// <summary>onnx.TensorProto.DataType of booleans.</summary>
    public const int Bool = 9;

    private const int IrVersion = 10;
    private const int OnnxOpset = 23;
    private const string Contrib = "com.microsoft";
    private readonly ProtobufWriter graph = new ProtobufWriter().Text(2, "bench");

    /// <summary>Adds a graph input of a fixed shape.</summary>
    public OnnxModel Input(string name, int type, params ReadOnlySpan<long> shape)
    {
        graph.Message(11, ValueInfo(name, type, shape));
        return this;
    }

    /// <summary>Adds a graph output of a fixed shape.</summary>
    public OnnxModel Output(string name, int type, params ReadOnlySpan<long> shape)
    {
        graph.Message(12, ValueInfo(name, type, shape));
        return this;
    }

    /// <summary>Adds a scalar constant.</summary>
    public OnnxModel Constant(string name, float value)
    {
        graph.Message(5, new ProtobufWriter().Integer(2, Float).Text(8, name).Bytes(9, BitConverter.GetBytes(value)));
        return this;
    }

    /// <summary>Adds a node; inputs and outputs are separated by spaces, "-" is an input that is left out.</summary>
    public OnnxModel Node(
        string type, string inputs, string outputs, bool contrib = false, params ReadOnlySpan<(string, object)> attributes)
    {
        var node = new ProtobufWriter();
        foreach (string name in inputs.Split(' ')) node.Text(1, name == "-" ? "" : name);
        foreach (string name in outputs.Split(' ')) node.Text(2, name);
        node.Text(4, type);
        foreach ((string name, object value) in attributes) node.Message(5, Attribute(name, value));
        if (contrib) node.Text(7, Contrib);
        graph.Message(1, node);
        return this;
    }

    /// <summary>The model file.</summary>
    public byte[] ToArray() => new ProtobufWriter()
        .Integer(1, IrVersion)
        .Message(7, graph)
        .Message(8, new ProtobufWriter().Text(1, "").Integer(2, OnnxOpset))
        .Message(8, new ProtobufWriter().Text(1, Contrib).Integer(2, 1))
        .ToArray();

    private static ProtobufWriter Attribute(string name, object value)
    {
        ProtobufWriter attribute = new ProtobufWriter().Text(1, name);
        switch (value)
        {
            case float f:
                return attribute.Float(2, f).Integer(20, 1);
            case int i:
                return attribute.Integer(3, i).Integer(20, 2);
            case int[] list:
                foreach (int item in list) attribute.Integer(8, item);
                return attribute.Integer(20, 7);
            default:
                throw new ArgumentException($"no ONNX attribute type for {value.GetType().Name}", nameof(value));
        }
    }

    private static ProtobufWriter ValueInfo(string name, int type, ReadOnlySpan<long> shape)
    {
        var dimensions = new ProtobufWriter();
        foreach (long size in shape) dimensions.Message(1, new ProtobufWriter().Integer(1, size));
        ProtobufWriter tensor = new ProtobufWriter().Integer(1, type).Message(2, dimensions);
        return new ProtobufWriter().Text(1, name).Message(2, new ProtobufWriter().Message(1, tensor));
    }
}
