using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Workloads;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Peers.Torch;

/// <summary>
/// PyTorch: scaled_dot_product_attention, matmul and softmax, on the CPU or on CUDA (timed by events there). With a
/// <paramref name="backend"/> it is that one of attention's; without, PyTorch's own choice, and matmul and softmax.
/// </summary>
internal sealed class TorchPeer(TorchWorker worker, string backend) : IImplementation
{
    /// <summary>
    /// What a GPU is compared with: matmul and softmax, fp32 matmul that may round to TF32, and each backend of attention by its name.
    /// </summary>
    public static readonly IReadOnlyList<string> Backends = ["", "tf32", "flash", "cudnn", "efficient", "math"];

    public string Name => backend.Length == 0 ? "pytorch" : $"pytorch-{backend}";

    public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason)
    {
        reason = Refusal(workload) ?? "";
        if (reason.Length > 0) return [];
        InputPrecision multiplies = Multiplies(workload);
        string form = workload is not AttentionWorkload ? "" : multiplies == InputPrecision.Tf32x3 ? "sdpa, 3xTF32" : "sdpa";
        return [new Candidate(form, 0, input => Prepare(workload, input)) { Multiplies = multiplies }];
    }

    /// <summary>GB/s read and written by a copy on the device.</summary>
    public double CopyGbps(long bytes) =>
        worker.Ask(new JsonObject { ["op"] = "copy", ["bytes"] = bytes })["gbps"]!.GetValue<double>();

    public void Dispose() => worker.Dispose();

    /// <summary>
    /// Of efficient attention CUTLASS multiplies fp32 as three products of TF32 (OpMultiplyAddFastF32), whatever is allowed elsewhere.
    /// </summary>
    private InputPrecision Multiplies(Workload workload) => backend switch
    {
        "tf32" => InputPrecision.Tf32,
        "efficient" when workload.Type == DType.Float32 && worker.HasTensorCores => InputPrecision.Tf32x3,
        _ => InputPrecision.Ieee,
    };

    private string? Refusal(Workload workload)
    {
        if (backend.Length == 0 && worker.IsCuda && workload is AttentionWorkload) return "its backends are measured apart";
        if (backend == "tf32")
            return workload is MatmulWorkload { Problem.InputPrecision: InputPrecision.Tf32 } ? null : "products that ask for TF32 only";
        if (workload is not AttentionWorkload { Problem: var p }) return backend.Length == 0 ? null : "attention only";
        if (backend is "flash" or "cudnn" && workload.Type == DType.Float32) return "fp16 and bf16 only";
        return p.Softcap > 0 ? "no softcap" : p.Alibi ? "no ALiBi" : null;
    }

    private TorchPrepared Prepare(Workload workload, WorkloadInput input)
    {
        int id = worker.NewId();
        if (worker.Holder(input) is { } holder)
        {
            worker.Ask(new JsonObject { ["op"] = "prepare", ["id"] = id, ["like"] = holder, ["backend"] = backend });
            return new TorchPrepared(worker, id, input);
        }
        var files = new List<string>();
        var tensors = new JsonObject();
        void Add(string name, HostTensor tensor, ReadOnlySpan<int> shape, bool boolean = false)
        {
            string file = Path.GetTempFileName();
            files.Add(file);
            if (boolean) File.WriteAllBytes(file, [.. tensor.Values.Select(v => (byte)v)]);
            else Write(file, tensor.Values);
            tensors[name] = new JsonObject
            {
                ["file"] = file,
                ["shape"] = new JsonArray([.. shape.ToArray().Select(s => JsonValue.Create(s))]),
                ["type"] = boolean ? "u1" : "<f4",
            };
        }

        var request = new JsonObject
        {
            ["op"] = "prepare",
            ["id"] = id,
            ["kind"] = workload.Operation,
            ["backend"] = backend,
            ["dtype"] = workload.Type.Short(),
            ["tensors"] = tensors,
        };
        switch (input)
        {
            case AttentionInput a when workload is AttentionWorkload { Problem: var p }:
                Add("q", a.Q, a.Q.Shape);
                Add("k", a.K, a.K.Shape);
                Add("v", a.V, a.V.Shape);
                // is_causal aligns the first query with the first key.
                bool shifted = p.Causal.Alignment == BandAlignment.BottomRight && p.SeqQ > 1 && p.SeqQ != p.SeqKv;
                bool masked = p.Mask || p.WindowLeft is not null || p.WindowRight is not null || p.KeyLengths || shifted;
                if (masked) Add("mask", VisibleKeys.Of(p, a), [1, 1, p.SeqQ, p.SeqKv], true);
                else if (a.Bias is { } bias) Add("mask", bias, bias.Shape);
                request["scale"] = p.EffectiveScale;
                request["causal"] = p.Causal.Alignment is not null && p.SeqQ > 1 && !masked;
                request["grouped"] = p.HeadsQ != p.HeadsKv;
                request["lowerRight"] = shifted && p is { Mask: false, KeyLengths: false, WindowLeft: null, WindowRight: null };
                break;
            case MatmulInput m:
                // A batch of one would be another function of cuBLAS.
                Add("a", m.A, m.A.Shape[1..]);
                Add("b", m.B, m.B.Shape[1..]);
                break;
            case SoftmaxInput s:
                Add("x", s.X, s.X.Shape);
                break;
        }
        try
        {
            worker.Ask(request);
        }
        finally
        {
            files.ForEach(File.Delete);
        }
        return new TorchPrepared(worker, id, input);
    }

    /// <summary>In pieces: a large cache has more bytes than an array or a span may.</summary>
    private static void Write(string file, float[] values)
    {
        const int piece = 1 << 26;
        using FileStream stream = File.Create(file);
        for (int first = 0; first < values.Length; first += piece)
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan(first, Math.Min(piece, values.Length - first))));
    }
}
