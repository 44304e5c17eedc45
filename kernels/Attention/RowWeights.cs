using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What RowWeights receives: FlashForward's Q, keys, sizes, score and LSE, which it reads; O is not used.</summary>
public struct WeightsArgs<T, TScore>
    where T : unmanaged
    where TScore : struct, IScoreRule
{
    public FlashArgs<T, TScore, GeneralKeys> Flash;

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
public static class RowWeights<T, TElement, TScore>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
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

    public static void Kernel(WeightsArgs<T, TScore> args)
    {
        ArrayView<float> sPart = SharedMemory.Allocate<float>(LanesPerKey * PartStride);
        WeightsPosition at = Place(args, out FlashPosition head, out KeyPlace keys, out float lse);
        if (args.Flash.Keys.Vectors.IsPresent != 0) TurnedDots(args, at, head, keys, sPart);
        else Dots(args, at, head, keys, sPart);
        Group.Barrier(); // sPart holds the parts of the dot products
        for (int n = Group.IdxX; n < TileKeys; n += GroupSize)
            if (at.Key0 + n < args.Flash.SeqKv)
                args.P[args.POffset + at.Row * args.PStride + at.Key0 + n] = Weight(args, at, head, lse, n, sPart);
    }

    private static WeightsPosition Place(in WeightsArgs<T, TScore> args, out FlashPosition head, out KeyPlace keys, out float lse)
    {
        WeightsPosition at = default;
        at.Row = Grid.IdxX / args.Tiles;
        at.Key0 = (Grid.IdxX - at.Row * args.Tiles) * TileKeys;
        long row = args.RowsOffset + at.Row * args.RowsStride;
        int b = args.Rows[row];
        int h = args.Rows[row + 1];
        at.I = args.Rows[row + 2];
        bool isHead = b >= 0 && b < args.Flash.Batch && h >= 0 && h < args.Flash.HeadsQ;
        head = FlashPosition.Of(args.Flash, isHead ? b : 0, isHead ? h : 0, out keys);
        lse = float.NaN;
        at.IsMissing = isHead && at.I >= 0 && at.I < head.SeqQ ? 0 : 1;
        if (at.IsMissing != 0) return at;
        at.First = Math.Max(at.Key0, head.Band.First(at.I, head.Shift));
        at.End = Math.Min(at.Key0 + TileKeys, head.Band.End(at.I, head.Shift, head.KeyLength));
        if (at.First < at.End && args.Flash.Score.HidesTile(b, h, 1, at.I, at.I, at.First, at.End - 1)) at.End = at.First;
        lse = args.Flash.Lse[head.LseHead(args.Flash, h) + at.I];
        return at;
    }

    private static void Dots(
        in WeightsArgs<T, TScore> args, in WeightsPosition at, in FlashPosition head, in KeyPlace keys, ArrayView<float> sPart)
    {
        if (at.First >= at.End) return;
        const int step = GroupSize / LanesPerKey;
        int x = Group.IdxX & (LanesPerKey - 1);
        int headDim = args.Flash.HeadDim;
        long q = head.Head<T, GeneralKeys>(args.Flash.Q) + at.I * args.Flash.Q.RowStride;
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

    /// <summary>The same of rows that turn or are divided by their lengths first, element by element.</summary>
    private static void TurnedDots(
        in WeightsArgs<T, TScore> args, in WeightsPosition at, in FlashPosition head, in KeyPlace keys, ArrayView<float> sPart)
    {
        int x = Group.IdxX & (LanesPerKey - 1);
        QueryElements<T, TElement> query = new()
        {
            Q = args.Flash.Q, First = head.Head<T, GeneralKeys>(args.Flash.Q) + at.I * args.Flash.Q.RowStride,
        };
        for (int j = at.First + Group.IdxX / LanesPerKey; j < at.End; j += GroupSize / LanesPerKey)
            sPart[x * PartStride + j - at.Key0] = args.Flash.Keys.TurnedDot(query, head, keys, at.I, j, args.Flash.HeadDim, x, LanesPerKey);
    }

    private static float Weight(
        in WeightsArgs<T, TScore> args, in WeightsPosition at, in FlashPosition head, float lse, int n, ArrayView<float> sPart)
    {
        int j = at.Key0 + n;
        if (at.IsMissing != 0) return float.NaN;
        if (j < at.First || j >= at.End) return 0f;
        float dot = (sPart[n] + sPart[n + PartStride]) + (sPart[n + 2 * PartStride] + sPart[n + 3 * PartStride]);
        ScoreRow row = new() { B = head.B, H = head.H, I = at.I, Aligned = at.I + head.Shift, First = at.First, End = at.End };
        float score = row.Score(args.Flash.Score, dot, j);
        return score == float.NegativeInfinity ? 0f : SpecialMath.Exp2((score - lse) * args.Flash.Score.Log2Factor);
    }
}

/// <summary>A group of RowWeights: query I of a head, and keys from Key0 on, of which it sees those in [First, End).</summary>
public struct WeightsPosition
{
    public int Row, Key0, I, First, End, IsMissing;
}
