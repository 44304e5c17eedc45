using AttnKernels.Bench.Data;
using AttnKernels.Bench.Report;
using AttnKernels.Bench.Workloads;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Implementations;

/// <summary>The library's own kernels on one of its devices.</summary>
public sealed class DeviceImplementation(AttentionDevice device) : IImplementation
{
    private CacheFlush? flush;

    /// <inheritdoc/>
    public string Name => BenchRecord.Ours;

    /// <inheritdoc/>
    public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason)
    {
        reason = "";
        return [new Candidate("", workload.Flops / SlowestFlops(device.Info), input => workload switch
        {
            AttentionWorkload a => Attention(a.Problem, (AttentionInput)input),
            MatmulWorkload m => Matmul(m.Problem, (MatmulInput)input),
            SoftmaxWorkload s => Softmax(s.Problem, (SoftmaxInput)input),
            _ => throw new NotSupportedException(workload.Operation),
        })];
    }

    /// <inheritdoc/>
    public void Dispose() => flush?.Dispose();

    /// <summary>
    /// A floor of what the devices for debugging reach, to leave out what would take minutes there; nothing is left out elsewhere.
    /// </summary>
    private static double SlowestFlops(DeviceInfo info) => info.Kind switch
    {
        DeviceKind.Simulator => 1e5,
        DeviceKind.IlgpuCpu => 2e8,
        DeviceKind.OpenCl when !info.IsGpu => 5e9,
        _ => double.PositiveInfinity,
    };

    private PreparedDevice Attention(AttentionProblem p, AttentionInput input)
    {
        AttentionPlan plan = device.Plan(p);
        DeviceTensor q = Upload(input.Q), k = Upload(input.K), v = Upload(input.V);
        DeviceTensor o = device.Allocate(p.Type, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDimV);
        DeviceTensor? mask = input.Mask is { } m ? Upload(m) : null;
        DeviceTensor? bias = input.Bias is { } b ? Upload(b) : null;
        DeviceTensor? lengths = input.KeyLengths is { } l ? Upload(l) : null;
        DeviceTensor? slopes = input.AlibiSlopes is { } a ? Upload(a) : null;
        var tensors = new AttentionTensors
        {
            Q = q,
            K = k,
            V = v,
            O = o,
            Mask = mask,
            Bias = bias,
            KeyLengths = lengths,
            AlibiSlopes = slopes,
        };
        return Prepare(plan.Explain(), o, () => plan.Run(tensors), plan, q, k, v, mask, bias, lengths, slopes);
    }

    private PreparedDevice Matmul(MatmulProblem p, MatmulInput input)
    {
        MatmulPlan plan = device.Plan(p);
        DeviceTensor a = Upload(input.A), b = Upload(input.B), c = device.Allocate(p.TypeC, 1, p.M, p.N);
        var tensors = new MatmulTensors { A = a, B = b, C = c };
        return Prepare(plan.Explain(), c, () => plan.Run(tensors), plan, a, b);
    }

    private PreparedDevice Softmax(SoftmaxProblem p, SoftmaxInput input)
    {
        SoftmaxPlan plan = device.Plan(p);
        DeviceTensor x = Upload(input.X), y = device.Allocate(p.OutputType, 1, 1, p.Rows, p.Columns);
        var tensors = new SoftmaxTensors { X = x, Y = y };
        return Prepare(plan.Explain(), y, () => plan.Run(tensors), plan, x);
    }

    private PreparedDevice Prepare(string explanation, DeviceTensor output, Action run, params IDisposable?[] owned)
    {
        if (device.Info.IsGpu) flush ??= new CacheFlush(device);
        // Garbage before a run would show in the output if the run left it out.
        output.Fill(byte.MaxValue);
        return new PreparedDevice(device, explanation, output, run, flush, owned);
    }

    private DeviceTensor Upload(HostTensor tensor) => tensor.Type switch
    {
        DType.Bool => device.Upload<byte>([.. tensor.Values.Select(v => (byte)v)], tensor.Shape),
        DType.Int32 => device.Upload<int>([.. tensor.Values.Select(v => (int)v)], tensor.Shape),
        _ => device.UploadAs(tensor.Type, tensor.Values, tensor.Shape),
    };
}
