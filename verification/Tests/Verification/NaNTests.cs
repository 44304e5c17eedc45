using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using AttnKernels.Kernels;
using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>
/// A NaN in a query, a key or a value that a row sees reaches that row and no other, in every attention kernel of every device.
/// </summary>
public class NaNTests
{
    private static readonly AttentionProblem Many = new()
    {
        Batch = 1, HeadsQ = 2, HeadsKv = 1, SeqQ = 20, SeqKv = 70, HeadDim = 16, Lse = true,
    };

    private static readonly AttentionProblem Few = Many with { SeqQ = 1, SeqKv = 300 };

    /// <summary>
    /// FlashForward, FlashDecode, the unfused form; with and without terms of the score; rows that see many keys, one or none.
    /// </summary>
    private static readonly AttentionProblem[] Forms =
    [
        Many, Many with { Softcap = 5, Sinks = true }, Many with { Causal = CausalMask.BottomRight, WindowLeft = 0 },
        Many with { Weights = true, Sinks = true },
        Few, Few with { SeqQ = 2, Causal = CausalMask.BottomRight, WindowLeft = 0 }, Few with { Softcap = 5, Kv = KvLayout.Paged(16, 20) },
    ];

    public static TheoryData<string, DType> DevicesAndTypes =>
        [.. AttentionDevice.List().SelectMany(
            _ => (DType[])[DType.Float32, DType.Float16, DType.BFloat16], (device, type) => (device.Name, type))];

    [Theory]
    [MemberData(nameof(DevicesAndTypes))]
    public void Reaches_the_rows_that_see_it_and_no_other(string name, DType type)
    {
        using AttentionDevice device = AttentionDevice.Open(name);
        foreach (AttentionProblem form in Forms)
            foreach (int stream in (int[])[0, 1, 2])
                foreach (double place in (double[])[0, 1])
                    Check(device, form with { Type = type, KvType = type }, stream, place);
    }

    /// <summary>Stream 0 is Q, 1 is K, 2 is V; the place is that among the rows.</summary>
    private static void Check(AttentionDevice device, AttentionProblem p, int stream, double place)
    {
        Seeded random = new(11);
        using AttentionPlan plan = device.Plan(p);
        using ScoreData score = ScoreData.Create(device, p, new CaseOptions(), random);
        using SequenceData sequences = new(device, p, score.Rule, random);
        using KeyData keys = new(device, p, sequences, random);
        HostTensor q = random.Normals(0, p.Type, 1, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim);
        HostTensor k = keys.Draw(1, p.HeadDim, false), v = keys.Draw(2, p.HeadDim, false);
        HostTensor poisoned = stream switch { 0 => q, 1 => k, _ => v };
        int rows = poisoned.Values.Length / p.HeadDim;
        poisoned.Values[((int)(place * (rows - 1)) * p.HeadDim) + 3] = float.NaN;

        using PlacedTensor qd = PlacedTensor.Input(device, q, Placement.Dense);
        using PlacedTensor kd = PlacedTensor.Input(device, keys.Store(device, 1, k), Placement.Dense);
        using PlacedTensor vd = PlacedTensor.Input(device, keys.Store(device, 2, v), Placement.Dense);
        using PlacedTensor o = PlacedTensor.Output(device, p.Type, Placement.Dense, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim);
        using PlacedTensor lse = PlacedTensor.Output(device, DType.Float32, Placement.Dense, p.Batch, p.HeadsQ, p.SeqQ);
        using PlacedTensor w = PlacedTensor.Output(device, DType.Float32, Placement.Dense, p.Batch, p.HeadsQ, p.SeqQ, p.SeqKv);
        plan.Run(new AttentionTensors
        {
            Q = qd.View, K = kd.View, V = vd.View, O = o.View, Lse = lse.ViewOfRank(3), Weights = p.Weights ? w.View : default,
            Sinks = score.Sinks, BlockTable = keys.BlockTable,
        });

        ExpectedAttention expected = References.Attention(q, k, v, score.Rule, p.Weights);
        string what = $"{p} with a NaN at {place} of {"QKV"[stream]} ({plan.Explain()})";
        if (p.Causal == CausalMask.None) expected.O.Values.Any(double.IsNaN).Should().BeTrue(what);
        Comparison.Of(expected.O, o.Read()).Failures.Should().Be(0, what);
        Comparison.Of(expected.Lse, lse.Read()).Failures.Should().Be(0, what);
        if (p.Weights) Comparison.Of(expected.P!, w.Read()).Failures.Should().Be(0, what);
    }

    [Fact]
    public void Kernels_take_maxima_by_one_function()
    {
        // Math.Max is a GPU's max.f32, which passes over a NaN, but on the simulator it would be .NET's, which does not.
        using PEReader assembly = new(File.OpenRead(typeof(SpecialMath).Assembly.Location));
        MetadataReader names = assembly.GetMetadataReader();
        List<string> found = [];
        foreach (MemberReference member in names.MemberReferences.Select(names.GetMemberReference))
        {
            if (member.GetKind() != MemberReferenceKind.Method || member.Parent.Kind != HandleKind.TypeReference) continue;
            string type = names.GetString(names.GetTypeReference((TypeReferenceHandle)member.Parent).Name);
            string name = names.GetString(member.Name);
            SignatureTypeCode result = (SignatureTypeCode)names.GetBlobBytes(member.Signature)[2];
            if (type is "Math" or "MathF" && name is "Max" or "Min" && result is SignatureTypeCode.Single or SignatureTypeCode.Double)
                found.Add($"{type}.{name}");
        }
        found.Should().BeEmpty();
    }
}
