using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

/// <summary>Sizes, masks and data of one attention problem, its run on the CPU kernels and its result in double.</summary>
internal sealed unsafe class AttentionCase : IDisposable
{
    private readonly List<Native> owned = [];
    private string width = "";

    public required int Batch { get; init; }
    public required int HeadsQ { get; init; }
    public required int HeadsKv { get; init; }
    public required int SeqQ { get; init; }
    public required int SeqKv { get; init; }
    public required int HeadDim { get; init; }
    public required int HeadDimV { get; init; }
    public DType Type { get; init; } = DType.Float32;
    public KeyBand Band { get; init; } = KeyBand.All;
    public int[]? KeyLengths { get; init; }
    public bool HasMask { get; init; }
    public DType? BiasType { get; init; }
    public bool HasAlibi { get; init; }
    public float Softcap { get; init; }

    /// <summary>(batch, seq, head, headDim) in memory instead of (batch, head, seq, headDim), with a gap after each row.</summary>
    public bool Interleaved { get; init; }

    public Native Q { get; private set; } = null!;
    public Native K { get; private set; } = null!;
    public Native V { get; private set; } = null!;
    public Native O { get; private set; } = null!;
    public Native Lse { get; private set; } = null!;
    public Native? Mask { get; private set; }
    public Native? Bias { get; private set; }

    public float Scale => 1 / MathF.Sqrt(HeadDim);

    public AttentionArgs Args;

    public override string ToString() =>
        $"{Batch}x{HeadsQ}/{HeadsKv} q{SeqQ} kv{SeqKv} d{HeadDim}/{HeadDimV} {Type}"
        + $" band({Band.Shift},{Band.FollowsEnd},{Band.Left},{Band.Right})"
        + $" lengths[{string.Join(' ', KeyLengths ?? [])}] mask {HasMask} bias {BiasType}"
        + $" alibi {HasAlibi} softcap {Softcap} interleaved {Interleaved} {width}";

    /// <summary>Allocates and fills; keys that no query may see are poisoned with NaN.</summary>
    public AttentionCase Prepare(int seed = 1)
    {
        Args = new AttentionArgs
        {
            Batch = Batch,
            HeadsQ = HeadsQ,
            HeadsKv = HeadsKv,
            SeqQ = SeqQ,
            SeqKv = SeqKv,
            HeadDim = HeadDim,
            HeadDimV = HeadDimV,
            Type = Type,
            Keys = new KeyArgs { Type = Type },
        };
        Q = Tensor(HeadsQ, SeqQ, HeadDim, seed, out Args.Q);
        K = Tensor(HeadsKv, SeqKv, HeadDim, seed + 1, out Args.K);
        V = Tensor(HeadsKv, SeqKv, HeadDimV, seed + 2, out Args.V);
        O = Tensor(HeadsQ, SeqQ, HeadDimV, seed: -1, out Args.O);
        Lse = Own(new Native((long)Batch * HeadsQ * SeqQ, DType.Float32));
        Args.Lse = (float*)Lse.Data;
        Args.Score.Scale = Scale;
        Args.Score.Softcap = Softcap;
        Args.Score.Band = Band;
        PrepareMasks(seed);
        PoisonHiddenKeys();
        return this;
    }

    public void Run(SimdWorkers workers) => SimdAttention.Run(Args, workers);

    /// <summary>Compares O and Lse with the double reference; every element within its bound.</summary>
    public void Check(string width)
    {
        this.width = width;
        double u = Type switch { DType.Float32 => 6e-8, DType.Float16 => 4.9e-4, _ => 3.91e-3 };
        for (int b = 0; b < Batch; b++)
        {
            for (int h = 0; h < HeadsQ; h++)
            {
                for (int i = 0; i < SeqQ; i++) CheckRow(b, h, i, u);
            }
        }
    }

    public long IndexO(int b, int h, int i, int d) => Index(Args.O, b, h, i) + d;

    public bool Sees(int b, int h, int i, int j)
    {
        int length = KeyLengths == null ? SeqKv : KeyLengths[b];
        int shift = Band.ShiftFor(SeqQ, length);
        return j >= Band.First(i, shift) && j < Band.End(i, shift, length) && (Mask == null || Mask[MaskIndex(b, i, j)] != 0)
            && (Bias == null || !float.IsNegativeInfinity(Bias[BiasIndex(h, i, j)]));
    }

    public void Dispose()
    {
        foreach (var tensor in owned) tensor.Dispose();
    }

    private static long Index(in HeadTensor t, int b, int h, int i) => b * t.BatchStride + h * t.HeadStride + i * t.RowStride;

    private long MaskIndex(int b, int i, int j) => ((long)b * SeqQ + i) * SeqKv + j;

    private long BiasIndex(int h, int i, int j) => ((long)h * SeqQ + i) * SeqKv + j;

    private Native Own(Native native)
    {
        owned.Add(native);
        return native;
    }

    private Native Tensor(int heads, int seq, int dim, int seed, out HeadTensor tensor)
    {
        long gap = Interleaved ? 3 : 0;
        long row = dim + gap;
        var native = Own(new Native(Math.Max(1, Batch * heads * seq * row), Type, Type.Size()));
        if (seed >= 0) native.FillRandom(seed, 2);
        if (seed >= 0)
        {
            for (long r = 0; r < native.Count / row; r++)
            {
                for (long g = dim; g < row; g++) native[r * row + g] = float.NaN;
            }
        }

        tensor = new HeadTensor
        {
            Data = native.Data,
            BatchStride = heads * seq * row,
            HeadStride = Interleaved ? row : seq * row,
            RowStride = Interleaved ? heads * row : row,
        };
        return native;
    }

    private void PrepareMasks(int seed)
    {
        var random = new Random(seed + 7);
        if (KeyLengths != null)
        {
            var lengths = Own(new Native(Batch, DType.Int32));
            for (int b = 0; b < Batch; b++) lengths[b] = KeyLengths[b];
            Args.Score.KeyLengths = (int*)lengths.Data;
        }

        if (HasMask)
        {
            Mask = Own(new Native((long)Batch * SeqQ * SeqKv, DType.Bool, 1));
            for (long i = 0; i < Mask.Count; i++) Mask[i] = random.Next(3) == 0 ? 0 : random.Next(1, 256);
            for (int j = 0; j < SeqKv; j++) Mask[MaskIndex(0, SeqQ / 2, j)] = 0;
            Args.Score.Mask = new BroadcastTensor
            {
                Data = Mask.Data, BatchStride = (long)SeqQ * SeqKv, RowStride = SeqKv,
                ColumnStride = 1
            };
        }

        if (BiasType is { } biasType)
        {
            Bias = Own(new Native((long)HeadsQ * SeqQ * SeqKv, biasType, biasType.Size()).FillRandom(seed + 9, 3));
            for (long i = 0; i < Bias.Count; i += 5) Bias[i] = float.NegativeInfinity;
            for (int j = 0; j < SeqKv; j++) Bias[BiasIndex(0, SeqQ / 3, j)] = float.NegativeInfinity;
            Args.Score.BiasType = biasType;
            Args.Score.Bias = new BroadcastTensor
            {
                Data = Bias.Data, HeadStride = (long)SeqQ * SeqKv, RowStride = SeqKv,
                ColumnStride = 1
            };
        }

        if (HasAlibi)
        {
            var slopes = Own(new Native(HeadsQ, DType.Float32));
            for (int h = 0; h < HeadsQ; h++) slopes[h] = MathF.Pow(2, -1 - h % 8);
            Args.Score.AlibiSlopes = (float*)slopes.Data;
        }
    }

    private void PoisonHiddenKeys()
    {
        int group = HeadsQ / HeadsKv;
        for (int b = 0; b < Batch; b++)
        {
            for (int h = 0; h < HeadsKv; h++)
            {
                for (int j = 0; j < SeqKv; j++)
                {
                    if (AnySees(b, h * group, group, j)) continue;
                    for (int d = 0; d < HeadDim; d++) K[Index(Args.K, b, h, j) + d] = float.NaN;
                    for (int d = 0; d < HeadDimV; d++) V[Index(Args.V, b, h, j) + d] = (d & 1) == 0 ? float.NaN : float.PositiveInfinity;
                }
            }
        }
    }

    private bool AnySees(int b, int firstHead, int group, int j)
    {
        for (int h = firstHead; h < firstHead + group; h++)
        {
            for (int i = 0; i < SeqQ; i++)
            {
                if (Sees(b, h, i, j)) return true;
            }
        }

        return false;
    }

    private void CheckRow(int b, int h, int i, double u)
    {
        int headKv = h / (HeadsQ / HeadsKv);
        var s = new double[SeqKv];
        double error = 0;
        double m = double.NegativeInfinity;
        int length = KeyLengths == null ? SeqKv : KeyLengths[b];
        for (int j = 0; j < SeqKv; j++)
        {
            s[j] = double.NegativeInfinity;
            if (!Sees(b, h, i, j)) continue;
            double dot = 0;
            double magnitude = 0;
            for (int d = 0; d < HeadDim; d++)
            {
                double product = (double)Q[Index(Args.Q, b, h, i) + d] * K[Index(Args.K, b, headKv, j) + d];
                dot += product;
                magnitude += Math.Abs(product);
            }

            s[j] = dot * Scale;
            error = Math.Max(error, (HeadDim + 6) * 6e-8 * magnitude * Scale + 1e-7);
            if (Softcap > 0) s[j] = Softcap * Math.Tanh(s[j] / Softcap);
            if (Bias != null) s[j] += Bias[BiasIndex(h, i, j)];
            if (HasAlibi) s[j] -= (double)Args.Score.AlibiSlopes[h] * Math.Abs(i + Band.ShiftFor(SeqQ, length) - j);
            error = Math.Max(error, Math.Abs(s[j]) * 4e-7);
            m = Math.Max(m, s[j]);
        }

        double l = 0;
        foreach (double score in s) l += double.IsNegativeInfinity(score) ? 0 : Math.Exp(score - m);
        double lse = l == 0 ? double.NegativeInfinity : m + Math.Log(l);
        float actualLse = Lse[((long)b * HeadsQ + h) * SeqQ + i];
        if (l == 0) actualLse.Should().Be(float.NegativeInfinity, "row ({0},{1},{2}) of {3} is empty", b, h, i, this);
        else if (!(Math.Abs(actualLse - lse) <= error + 2e-6 + 4e-7 * Math.Abs(lse)))
        {
            actualLse.Should().Be((float)lse, "LSE of row ({0},{1},{2}) of {3}", b, h, i, this);
        }

        for (int d = 0; d < HeadDimV; d++)
        {
            double o = 0;
            double magnitude = 0;
            for (int j = 0; j < SeqKv; j++)
            {
                if (double.IsNegativeInfinity(s[j])) continue;
                double product = Math.Exp(s[j] - m) / l * V[Index(Args.V, b, headKv, j) + d];
                o += product;
                magnitude += Math.Abs(product);
            }

            double bound = (Math.Exp(2 * error) - 1 + 4e-7 + SeqKv * 6e-8) * magnitude + u * Math.Abs(o) + 1e-30;
            if (Type == DType.Float16) bound += 3e-8;
            float actual = O[IndexO(b, h, i, d)];
            if (!(Math.Abs(actual - o) <= bound)) actual.Should().Be((float)o, "O({0},{1},{2},{3}) of {4} must be within {5:E2}", b,
                h, i, d, this, bound);
        }
    }
}
