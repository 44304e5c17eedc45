using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Merge of partial results on the CPU device.</summary>
internal sealed unsafe class CpuMerge(MergeProblem p, SimdWorkers workers) : Executable<MergeTensors>
{
    public override string Explain() => $"SimdMerge: blocks of rows in {workers.Describe()}";

    public override void Run(in MergeTensors t, DeviceStream stream, CancellationToken cancel)
    {
        MergeArgs args = new()
        {
            Parts = p.Parts,
            Batch = p.Batch,
            Heads = p.Heads,
            Seq = p.Seq,
            HeadDim = p.HeadDim,
            TypeParts = p.PartType,
            Type = p.Type,
            PartsO = SimdArgs.Heads(t.PartsO),
            O = SimdArgs.Heads(t.O),
            PartsLse = (float*)SimdArgs.Data(t.PartsLse),
            Lse = (float*)SimdArgs.Data(t.Lse),
        };
        SimdMerge.Run(args, workers, cancel);
    }
}
