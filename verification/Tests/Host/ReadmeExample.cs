namespace AttnKernels.Tests.Host;

/// <summary>The code of README.md, which ReadmeTests compares with it and runs.</summary>
internal static class ReadmeExample
{
    public static float[] Run(float[] queries, float[] keys, float[] values)
    {
        // README starts
        using AttentionDevice device = AttentionDevice.Open();      // the best there is: CUDA, OpenCL, else the CPU
        AttentionProblem problem = new()
        {
            Batch = 1, HeadsQ = 32, HeadsKv = 8, SeqQ = 16, SeqKv = 48, HeadDim = 64, Causal = CausalMask.BottomRight,
        };
        using AttentionPlan plan = device.Plan(problem);            // validated and compiled once
        using DeviceTensor q = device.Upload(queries, 1, 32, 16, 64);
        using DeviceTensor k = device.Upload(keys, 1, 8, 48, 64);
        using DeviceTensor v = device.Upload(values, 1, 8, 48, 64);
        using DeviceTensor o = device.Allocate(DType.Float32, 1, 32, 16, 64);
        plan.Run(new AttentionTensors { Q = q, K = k, V = v, O = o });  // queues the kernel: no allocation, no waiting
        float[] output = o.ToArray<float>();
        // README ends
        return output;
    }
}
