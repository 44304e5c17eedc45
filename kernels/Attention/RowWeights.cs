using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What RowWeights receives: FlashForward's Q, keys, sizes, score and LSE, which it reads; O is not used.</summary>
public struct WeightsArgs<T, TScore, TKeys>
    where T : unmanaged
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyRows
{
    public FlashArgs<T, TScore, TKeys> Flash;

    /// <summary>(rows, 3): batch entry, head and query of each row.</summary>
    public ArrayView<int> Rows;
    public long RowsOffset, RowsStride;

    /// <summary>(rows, seqKv).</summary>
    public ArrayView<float> P;
    public long POffset, PStride;

    /// <summary>Key tiles of a row.</summary>
    public int Tiles;
}

/// <summary>
/// The attention weights of chosen rows, P = exp(score(q K^T) - LSE), from the LSE that a fused run left: nothing of seqQ x seqKv is
/// stored. A hidden key has weight 0 and is not read where indices alone hide it; a row that does not exist is NaN.
/// Grid: rows * ceil(seqKv / 256) groups; group: 128 lanes; shared: 4 KB.
/// </summary>
public static class RowWeights<T, TElement, TScore, TKeys>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyRows
{
    public const int GroupSize = 128;

    /// <summary>Keys of a group.</summary>
    public const int TileKeys = 256;

    public const int SharedBytes = sizeof(float) * LanesPerKey * PartStride;

    /// <summary>
    /// Lanes that share a key, eight elements of every 32 each: 4 times 16 bytes are two whole sectors of 16-bit elements.
    /// </summary>
    private const int LanesPerKey = 4;

    /// <summary>Distance of the parts of a dot product: 8 past a multiple of 32, so that 4 lanes of 8 keys meet no bank twice.</summary>
    private const int PartStride = TileKeys + 8;

    public static void Kernel(WeightsArgs<T, TScore, TKeys> args)
    {
        ArrayView<float> sPart = SharedMemory.Allocate<float>(LanesPerKey * PartStride);
        WeightsPosition at = Place(args, out float lse);
        if (at.First < at.End) Dots(args, at, sPart);
        Group.Barrier(); // sPart holds the parts of the dot products
        for (int n = Group.IdxX; n < TileKeys; n += GroupSize)
            if (at.Key0 + n < args.Flash.SeqKv)
                args.P[args.POffset + at.Row * args.PStride + at.Key0 + n] = Weight(args, at, lse, n, sPart);
    }

    private static WeightsPosition Place(in WeightsArgs<T, TScore, TKeys> args, out float lse)
    {
        WeightsPosition at = default;
        at.Row = Grid.IdxX / args.Tiles;
        at.Key0 = (Grid.IdxX - at.Row * args.Tiles) * TileKeys;
        long row = args.RowsOffset + at.Row * args.RowsStride;
        at.B = args.Rows[row];
        at.H = args.Rows[row + 1];
        at.I = args.Rows[row + 2];
        lse = float.NaN;
        if (at.B < 0 || at.B >= args.Flash.Batch || at.H < 0 || at.H >= args.Flash.HeadsQ || at.I < 0 || at.I >= args.Flash.SeqQ)
        {
            at.IsMissing = 1;
            return at;
        }
        int keyLength = args.Flash.SeqKv;
        if (args.Flash.HasKeyLengths != 0)
            keyLength = Math.Min(keyLength, Math.Max(0, args.Flash.KeyLengths[args.Flash.KeyLengthsOffset + at.B]));
        at.Shift = args.Flash.Band.ShiftFor(args.Flash.SeqQ, keyLength);
        at.First = Math.Max(at.Key0, args.Flash.Band.First(at.I, at.Shift));
        at.End = Math.Min(at.Key0 + TileKeys, args.Flash.Band.End(at.I, at.Shift, keyLength));
        if (at.First < at.End && args.Flash.Score.HidesTile(at.B, at.H, 1, at.I, at.I, at.First, at.End - 1)) at.End = at.First;
        lse = args.Flash.Lse[args.Flash.LseOffset + ((long)at.B * args.Flash.HeadsQ + at.H) * args.Flash.SeqQ + at.I];
        return at;
    }

    private static void Dots(in WeightsArgs<T, TScore, TKeys> args, in WeightsPosition at, ArrayView<float> sPart)
    {
        const int step = GroupSize / LanesPerKey;
        int x = Group.IdxX & (LanesPerKey - 1);
        int headDim = args.Flash.HeadDim;
        KeyPlace keys = args.Flash.Keys.Place(at.B, at.H / (args.Flash.HeadsQ / args.Flash.HeadsKv));
        long q = args.Flash.Q.Head(at.B, at.H) + at.I * args.Flash.Q.RowStride;
        for (int n = Group.IdxX / LanesPerKey; n < TileKeys; n += 4 * step)
        {
            FourRows rows = args.Flash.Keys.KeyRows(keys, at.Key0 + n, step, at.First, at.End, headDim);
            F4 dots = default;
            for (int d = 8 * x; d < headDim; d += 8 * LanesPerKey)
            {
                F8x4 k = args.Flash.Keys.LoadKeys(rows, d, headDim);
                F8 part = RowCopy.Load8<T, TElement>(args.Flash.Q, q, d, headDim);
                dots.X = part.High.Dot(k.A.High, part.Low.Dot(k.A.Low, dots.X));
                dots.Y = part.High.Dot(k.B.High, part.Low.Dot(k.B.Low, dots.Y));
                dots.Z = part.High.Dot(k.C.High, part.Low.Dot(k.C.Low, dots.Z));
                dots.W = part.High.Dot(k.D.High, part.Low.Dot(k.D.Low, dots.W));
            }
            ArrayView<float> sDots = sPart.From(x * PartStride + n);
            sDots[0] = dots.X;
            sDots[step] = dots.Y;
            sDots[2 * step] = dots.Z;
            sDots[3 * step] = dots.W;
        }
    }

    private static float Weight(in WeightsArgs<T, TScore, TKeys> args, in WeightsPosition at, float lse, int n, ArrayView<float> sPart)
    {
        int j = at.Key0 + n;
        if (at.IsMissing != 0) return float.NaN;
        if (j < at.First || j >= at.End) return 0f;
        float dot = (sPart[n] + sPart[n + PartStride]) + (sPart[n + 2 * PartStride] + sPart[n + 3 * PartStride]);
        ScoreRow row = new() { B = at.B, H = at.H, I = at.I, Aligned = at.I + at.Shift, First = at.First, End = at.End };
        float score = row.Score(args.Flash.Score, dot, j);
        return score == float.NegativeInfinity ? 0f : SpecialMath.Exp2((score - lse) * args.Flash.Score.Log2Factor);
    }
}

/// <summary>A group of RowWeights: query I of (B, H), and keys from Key0 on, of which it sees those in [First, End).</summary>
public struct WeightsPosition
{
    public int Row, Key0, B, H, I, First, End, Shift, IsMissing;
}
