using System.Runtime.InteropServices;
using AttnKernels.Bench.Implementations;

namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>A session with its tensors bound: a run is one call of the C API.</summary>
internal sealed unsafe class OrtPrepared : Prepared
{
    private readonly OrtApi api;
    private readonly OrtSession session;
    private readonly OrtGraph graph;
    private readonly nint* table;

    public OrtPrepared(OrtApi api, OrtSession session, OrtGraph graph)
    {
        (this.api, this.session, this.graph) = (api, session, graph);
        table = (nint*)NativeMemory.AllocZeroed((nuint)(2 * (graph.Inputs.Count + graph.Outputs.Count)), (nuint)sizeof(nint));
        int index = 0;
        foreach (OrtTensor tensor in (OrtTensor[])[.. graph.Inputs, .. graph.Outputs])
        {
            Names[index] = Marshal.StringToCoTaskMemUTF8(tensor.Name);
            Values[index++] = api.CreateTensor(tensor);
        }
    }

    private int Tensors => graph.Inputs.Count + graph.Outputs.Count;

    private nint* Names => table;

    private nint* Values => table + Tensors;

    public override void Run()
    {
        int inputs = graph.Inputs.Count;
        api.Run(session.Handle, Names, Values, inputs, Names + inputs, Values + inputs, graph.Outputs.Count);
    }

    public override float[] Output()
    {
        OrtTensor result = graph.Outputs[0];
        return graph.Read(new ReadOnlySpan<float>((void*)result.Address, (int)(result.Bytes / sizeof(float))).ToArray());
    }

    protected override void Dispose(bool disposing)
    {
        for (int i = 0; i < Tensors; i++)
        {
            api.ReleaseValue(Values[i]);
            Marshal.FreeCoTaskMem(Names[i]);
        }
        NativeMemory.Free(table);
        if (!disposing) return;
        foreach (OrtTensor tensor in graph.Inputs.Concat(graph.Outputs)) tensor.Dispose();
        session.Release();
    }
}
