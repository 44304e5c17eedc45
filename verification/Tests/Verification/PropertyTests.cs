using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>What must hold between results, whatever the reference says; on every device that is present.</summary>
public class PropertyTests
{
    private const int Batch = 2;
    private const int Heads = 2;
    private const int Queries = 21;
    private const int Keys = 37;
    private const int Dim = 16;

    /// <summary>Every device that any build knows.</summary>
    public static TheoryData<string> Devices => ["cpu", "simulator", "ilgpu-cpu", "opencl:0", "cuda:0"];

    private static readonly AttentionProblem Problem = new() { Batch = Batch, HeadsQ = Heads, SeqQ = Queries, SeqKv = Keys, HeadDim = Dim };

    [Theory]
    [MemberData(nameof(Devices))]
    public void Repeats_are_bit_equal(string name)
    {
        using Bench bench = new(name);
        AttentionProblem problem = Problem with { Causal = CausalMask.BottomRight };
        float[] first = bench.Run(problem);
        for (int n = 0; n < 3; n++)
            bench.Run(problem).Should().Equal(first);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_batch_entry_has_the_bits_that_it_has_alone(string name)
    {
        using Bench bench = new(name);
        float[] all = bench.Run(Problem);
        for (int b = 0; b < Batch; b++)
            bench.Run(Problem with { Batch = 1 }, batchFrom: b).Should()
                .Equal(all.AsSpan(b * all.Length / Batch, all.Length / Batch).ToArray());
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Causal_is_a_window_a_mask_and_a_bias(string name)
    {
        using Bench bench = new(name);
        float[] causal = bench.Run(Problem with { Causal = CausalMask.BottomRight });
        float[] window = bench.Run(Problem with { WindowRight = 0, Alignment = BandAlignment.BottomRight });
        HostTensor allowed = new(DType.Bool, 1, 1, Queries, Keys), bias = new(DType.Float32, 1, 1, Queries, Keys);
        for (int n = 0; n < allowed.Values.Length; n++)
        {
            allowed.Values[n] = n % Keys <= (n / Keys) + Keys - Queries ? 1 : 0;
            bias.Values[n] = allowed.Values[n] == 0 ? float.NegativeInfinity : 0;
        }

        window.Should().Equal(causal);
        Within(bench.Expected(new ScoreRule { Causal = true, Alignment = KeyAlignment.BottomRight }), causal,
            bench.Run(Problem with { Mask = true }, mask: allowed), bench.Run(Problem with { Bias = true }, bias: bias));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_constant_added_to_all_scores_changes_nothing_but_the_lse(string name)
    {
        using Bench bench = new(name);
        HostTensor bias = new(DType.Float32, 1, 1, 1, 1);
        bias.Values[0] = 3;
        Expected expected = bench.Expected(new ScoreRule { Bias = bias });
        Within(expected, bench.Run(Problem), bench.Run(Problem with { Bias = true }, bias: bias));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void The_order_of_the_keys_does_not_matter(string name)
    {
        using Bench bench = new(name);
        float[] straight = bench.Run(Problem);
        bench.Permute(j => ((j * 5) + 3) % Keys);
        Within(bench.Expected(new ScoreRule()), straight, bench.Run(Problem));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Fused_and_unfused_agree(string name)
    {
        using Bench bench = new(name);
        AttentionProblem problem = Problem with { Causal = CausalMask.TopLeft };
        Within(bench.Expected(new ScoreRule { Causal = true }), bench.Run(problem), bench.Run(problem with { Weights = true }));
    }

    private static void Within(Expected expected, params float[][] results)
    {
        foreach (float[] result in results)
            Comparison.Of(expected, result).Should().Match<Comparison>(c => c.Passed);
    }

    /// <summary>A device with one set of Q, K and V.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly AttentionDevice device;
        private readonly HostTensor q;
        private readonly HostTensor k;
        private readonly HostTensor v;

        public Bench(string name)
        {
            device = PresentDevices.OpenOrSkip(name);
            Seeded random = new(11);
            q = random.Normals(0, DType.Float32, 1, Batch, Heads, Queries, Dim);
            k = random.Normals(1, DType.Float32, 1, Batch, Heads, Keys, Dim);
            v = random.Normals(2, DType.Float32, 1, Batch, Heads, Keys, Dim);
        }

        public Expected Expected(ScoreRule rule) => References.Attention(q, k, v, rule with { Scale = Problem.EffectiveScale }).O;

        /// <summary>Key and value j become those that <paramref name="source"/> names.</summary>
        public void Permute(Func<int, int> source)
        {
            foreach (HostTensor tensor in (HostTensor[])[k, v])
            {
                float[] old = (float[])tensor.Values.Clone();
                for (int line = 0; line < old.Length / Dim; line++)
                    old.AsSpan(((line / Keys * Keys) + source(line % Keys)) * Dim, Dim).CopyTo(tensor.Values.AsSpan(line * Dim));
            }
        }

        public float[] Run(AttentionProblem problem, HostTensor? mask = null, HostTensor? bias = null, int batchFrom = 0)
        {
            using AttentionPlan plan = device.Plan(problem);
            using DeviceTensor deviceQ = device.Upload(q.Values, q.Shape), deviceK = device.Upload(k.Values, k.Shape),
                deviceV = device.Upload(v.Values, v.Shape);
            using DeviceTensor o = device.Allocate(DType.Float32, problem.Batch, Heads, Queries, Dim);
            using DeviceTensor? weights = problem.Weights ? device.Allocate(DType.Float32, problem.Batch, Heads, Queries, Keys) : null;
            using DeviceTensor? deviceMask = mask is null ? null : device.Upload(Array.ConvertAll(mask.Values, x => x != 0), mask.Shape);
            using DeviceTensor? deviceBias = bias is null ? null : device.Upload(bias.Values, bias.Shape);
            plan.Run(new AttentionTensors
            {
                Q = deviceQ.View.Slice(0, batchFrom, problem.Batch),
                K = deviceK.View.Slice(0, batchFrom, problem.Batch),
                V = deviceV.View.Slice(0, batchFrom, problem.Batch),
                O = o,
                Mask = deviceMask,
                Bias = deviceBias,
                Weights = weights,
            });
            device.Synchronize();
            return o.ToFloats();
        }

        public void Dispose() => device.Dispose();
    }
}
