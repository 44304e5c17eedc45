using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AttnKernels.Onnx;
using Google.Protobuf;

namespace AttnKernels.Verification;

/// <summary>
/// Reads the parts of ONNX's protocol buffers that node tests use (onnx.proto: ModelProto, GraphProto, NodeProto, AttributeProto,
/// TensorProto). Fields that are not listed are skipped.
/// </summary>
internal static class OnnxReader
{
    /// <summary>A node with the names of its inputs and outputs ("" = left out).</summary>
    public sealed record Node(string Operator, string[] Inputs, string[] Outputs, IReadOnlyDictionary<string, object> Attributes);

    /// <summary>A graph: its nodes, the names of its inputs and outputs in order, its constants.</summary>
    public sealed record Graph(
        IReadOnlyList<Node> Nodes, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs,
        IReadOnlyDictionary<string, OnnxTensor> Constants);

    /// <summary>The graph and the version of the default operator set.</summary>
    public static (Graph Graph, long Opset) Model(byte[] bytes)
    {
        Graph? graph = null;
        long opset = 0;
        Fields(bytes, (field, wire, input) =>
        {
            if (field == 7)
            {
                graph = ReadGraph(Bytes(input));
            }
            else if (field == 8)
            {
                (string domain, long version) = OperatorSet(Bytes(input));
                if (domain is "" or "ai.onnx") opset = version;
            }
            else
            {
                return false;
            }
            return true;
        });
        return (graph ?? throw new InvalidDataException("The model has no graph."), opset);
    }

    /// <summary>A TensorProto file with its name.</summary>
    public static (string Name, OnnxTensor Tensor) Tensor(byte[] bytes)
    {
        List<int> shape = [];
        OnnxType type = OnnxType.Undefined;
        string name = "";
        byte[]? raw = null;
        using MemoryStream typed = new();
        Fields(bytes, (field, wire, input) =>
        {
            switch (field)
            {
                case 1: Packed(input, wire, () => shape.Add(checked((int)input.ReadInt64()))); break;
                case 2: type = (OnnxType)input.ReadInt32(); break;
                case 8: name = input.ReadString(); break;
                case 9: raw = Bytes(input); break;
                case 4: Packed(input, wire, () => Write(typed, input.ReadFloat())); break;
                case 5: Packed(input, wire, () => WriteAs(typed, input.ReadInt32(), type)); break;
                case 7: Packed(input, wire, () => Write(typed, input.ReadInt64())); break;
                case 10: Packed(input, wire, () => Write(typed, input.ReadDouble())); break;
                case 11: Packed(input, wire, () => WriteAs(typed, (long)input.ReadUInt64(), type)); break;
                case 14: throw new NotSupportedException("The tensor's data lies in another file.");
                default: return false;
            }
            return true;
        });
        return (name, new OnnxTensor(type, [.. shape], raw ?? typed.ToArray()));
    }

    private static Graph ReadGraph(byte[] bytes)
    {
        List<Node> nodes = [];
        List<string> inputs = [], outputs = [];
        Dictionary<string, OnnxTensor> constants = [];
        Fields(bytes, (field, wire, input) =>
        {
            switch (field)
            {
                case 1: nodes.Add(ReadNode(Bytes(input))); break;
                case 5:
                    (string name, OnnxTensor tensor) = Tensor(Bytes(input));
                    constants[name] = tensor;
                    break;
                case 11: inputs.Add(ValueName(Bytes(input))); break;
                case 12: outputs.Add(ValueName(Bytes(input))); break;
                default: return false;
            }
            return true;
        });
        return new Graph(nodes, inputs, outputs, constants);
    }

    private static Node ReadNode(byte[] bytes)
    {
        List<string> inputs = [], outputs = [];
        string type = "";
        Dictionary<string, object> attributes = [];
        Fields(bytes, (field, wire, input) =>
        {
            switch (field)
            {
                case 1: inputs.Add(input.ReadString()); break;
                case 2: outputs.Add(input.ReadString()); break;
                case 4: type = input.ReadString(); break;
                case 5:
                    (string name, object? value) = Attribute(Bytes(input));
                    if (value is not null) attributes[name] = value;
                    break;
                default: return false;
            }
            return true;
        });
        return new Node(type, [.. inputs], [.. outputs], attributes);
    }

    private static (string Name, object? Value) Attribute(byte[] bytes)
    {
        string name = "";
        object? value = null;
        List<long> integers = [];
        List<float> floats = [];
        Fields(bytes, (field, wire, input) =>
        {
            switch (field)
            {
                case 1: name = input.ReadString(); break;
                case 2: value = input.ReadFloat(); break;
                case 3: value = input.ReadInt64(); break;
                case 4: value = input.ReadString(); break;
                case 7: Packed(input, wire, () => floats.Add(input.ReadFloat())); break;
                case 8: Packed(input, wire, () => integers.Add(input.ReadInt64())); break;
                default: return false;
            }
            return true;
        });
        return (name, value ?? (integers.Count > 0 ? integers.ToArray() : floats.Count > 0 ? floats.ToArray() : null));
    }

    private static (string Domain, long Version) OperatorSet(byte[] bytes)
    {
        string domain = "";
        long version = 0;
        Fields(bytes, (field, wire, input) =>
        {
            if (field == 1) domain = input.ReadString();
            else if (field == 2) version = input.ReadInt64();
            else return false;
            return true;
        });
        return (domain, version);
    }

    private static string ValueName(byte[] bytes)
    {
        string name = "";
        Fields(bytes, (field, wire, input) =>
        {
            if (field != 1) return false;
            name = input.ReadString();
            return true;
        });
        return name;
    }

    /// <summary>Calls <paramref name="read"/> for each field; it returns false for those that it does not read.</summary>
    private static void Fields(byte[] bytes, Func<int, WireFormat.WireType, CodedInputStream, bool> read)
    {
        using CodedInputStream input = new(bytes);
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
            if (!read(WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag), input)) input.SkipLastField();
    }

    /// <summary>A repeated number, packed into one field or as a field of its own.</summary>
    private static void Packed(CodedInputStream input, WireFormat.WireType wire, Action one)
    {
        if (wire != WireFormat.WireType.LengthDelimited)
        {
            one();
            return;
        }
        long end = input.ReadLength();
        end += input.Position;
        while (input.Position < end) one();
    }

    private static byte[] Bytes(CodedInputStream input) => input.ReadBytes().ToByteArray();

    private static void Write<T>(MemoryStream stream, T value) where T : unmanaged =>
        stream.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>The low bytes of <paramref name="value"/> that an element of <paramref name="type"/> has: int32_data also carries bits of
    /// fp16.</summary>
    private static void WriteAs(MemoryStream stream, long value, OnnxType type)
    {
        int size = type switch
        {
            OnnxType.Bool or OnnxType.Int8 or OnnxType.UInt8 => 1,
            OnnxType.Float16 or OnnxType.BFloat16 or OnnxType.Int16 or OnnxType.UInt16 => 2,
            OnnxType.Int32 or OnnxType.UInt32 => 4,
            _ => 8,
        };
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        stream.Write(bytes[..size]);
    }
}
