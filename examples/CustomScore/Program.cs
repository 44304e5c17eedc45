using AttnKernels;

namespace CustomScore;

/// <summary>
/// Attention with score rules written as C# structs, each beside the same attention with its rule spelled out as a mask or bias of
/// seqQ x seqKv elements: <c>dotnet run --project examples/CustomScore [-- DEVICE]</c>.
/// </summary>
public static class Program
{
    private const int Heads = 2, Queries = 20, Keys = 90, HeadDim = 32, Reach = 64, Step = 4, Distances = 32;

    private static readonly AttentionProblem Problem = new()
    {
        Batch = 1, HeadsQ = Heads, SeqQ = Queries, SeqKv = Keys, HeadDim = HeadDim, Alignment = BandAlignment.BottomRight,
    };

    public static int Main(string[] args)
    {
        using AttentionDevice device = AttentionDevice.Open(args.FirstOrDefault());
        double mask = CompareMask(device), bias = CompareBias(device);
        Console.WriteLine(
            FormattableString.Invariant($"{device.Name}: dilated window as a struct, difference from the mask it replaces: {mask:G2}"));
        Console.WriteLine(
            FormattableString.Invariant($"{device.Name}: relative bias as a struct, difference from the bias it replaces: {bias:G2}"));
        return mask < 1e-5 && bias < 1e-5 ? 0 : 1;
    }

    private static double CompareMask(AttentionDevice device)
    {
        using AttentionPlan<DilatedWindow> plan = device.Plan<DilatedWindow>(Problem);
        float[] ruled = Run(device, tensors => plan.Run(tensors, new DilatedWindow(Reach, Step)));

        byte[] mask = new byte[Queries * Keys];
        for (int i = 0; i < Queries; i++)
            for (int back = 0; back < Reach; back += Step)
                if (i + Keys - Queries - back >= 0) mask[(i * Keys) + i + Keys - Queries - back] = 1;
        using DeviceTensor spelledOut = device.Allocate(DType.Bool, 1, 1, Queries, Keys);
        spelledOut.Upload<byte>(mask);
        using AttentionPlan masked = device.Plan(Problem with { Mask = true });
        return Difference(ruled, Run(device, tensors => masked.Run(tensors with { Mask = spelledOut })));
    }

    private static double CompareBias(AttentionDevice device)
    {
        float[] table = Numbers(Heads * Distances, 4);
        using DeviceTensor floats = device.Upload(table, Heads, Distances);
        using AttentionPlan<RelativeBias> plan = device.Plan<RelativeBias>(Problem);
        float[] ruled = Run(device, tensors => plan.Run(tensors with { RuleFloats = floats }, new RelativeBias(Distances)));

        float[] bias = new float[Heads * Queries * Keys];
        for (int n = 0; n < bias.Length; n++)
        {
            int distance = Math.Abs((n / Keys % Queries) + Keys - Queries - (n % Keys));
            bias[n] = table[(n / Keys / Queries * Distances) + Math.Min(distance, Distances - 1)];
        }
        using DeviceTensor spelledOut = device.Upload(bias, 1, Heads, Queries, Keys);
        using AttentionPlan biased = device.Plan(Problem with { Bias = true });
        return Difference(ruled, Run(device, tensors => biased.Run(tensors with { Bias = spelledOut })));
    }

    private static float[] Run(AttentionDevice device, Action<AttentionTensors> attend)
    {
        using DeviceTensor q = device.Upload(Numbers(Heads * Queries * HeadDim, 1), 1, Heads, Queries, HeadDim);
        using DeviceTensor k = device.Upload(Numbers(Heads * Keys * HeadDim, 2), 1, Heads, Keys, HeadDim);
        using DeviceTensor v = device.Upload(Numbers(Heads * Keys * HeadDim, 3), 1, Heads, Keys, HeadDim);
        using DeviceTensor o = device.Allocate(DType.Float32, 1, Heads, Queries, HeadDim);
        attend(new AttentionTensors { Q = q, K = k, V = v, O = o });
        return o.ToArray<float>();
    }

    private static float[] Numbers(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextSingle()) - 1)];
    }

    private static double Difference(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();
}
