using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// The partial attention of few query rows over one split of the keys: m = max s, l = sum exp(s - m), O = sum exp(s - m) V (Dao et al.,
/// Flash-Decoding, 2023). The query rows of all heads that share a key head go together, so that K and V are read once, straight into
/// registers.
/// MergeParts combines the splits.
/// Grid: row tiles * headsKv * batch * splits groups; group: 128 lanes; shared: DecodeTile.SharedBytes.
/// </summary>
public static class FlashDecode<T, TElement, TTile, TRows, TScore, TKeys>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TTile : struct, IDecodeTile
    where TRows : struct, IDecodeRows
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyRows
{
    private const int SplitKeys = DecodeTile<TTile, TRows>.SplitKeys;
    private const int LanesPerKey = DecodeTile<TTile, TRows>.LanesPerKey;
    private const int LanesPerRow = DecodeTile<TTile, TRows>.LanesPerRow;
    private const int ScoreStride = DecodeTile<TTile, TRows>.ScoreStride;

    private static int PartStride => DecodeTile<TTile, TRows>.PartStride;

    private static int LanesD => DecodeTile<TTile, TRows>.LanesD;

    private static int Slots => DecodeTile<TTile, TRows>.Slots;

    public static void Kernel(FlashArgs<T, TScore, TKeys> args)
    {
        ArrayView<F4> sQ = SharedMemory.Allocate<F4>(TRows.Count * TTile.HeadDim / 4);
        ArrayView<F4> sPart = SharedMemory.Allocate<F4>(DecodeTile<TTile, TRows>.PartFloats / 4);
        ArrayView<F4> sP = SharedMemory.Allocate<F4>(TRows.Count * DecodeTile<TTile, TRows>.ScoreStride / 4);
        ArrayView<float> sS = sP.Floats(0);
        ArrayView<float> sMax = SharedMemory.Allocate<float>(TRows.Count * DecodeTile<TTile, TRows>.LanesPerRow);
        ArrayView<float> sSum = SharedMemory.Allocate<float>(TRows.Count * DecodeTile<TTile, TRows>.LanesPerRow);

        DecodePosition at = Place(args);
        if (at.First >= at.End) return;
        LoadQueries(args, at, sQ);
        Group.Barrier(); // sQ is filled

        TRows rows = default;
        Dots(args, at, ref rows, sQ, sPart.Floats(0));
        Group.Barrier(); // sPart holds the parts of the dot products
        Scores(args, at, sPart.Floats(0), sS);
        Group.Barrier(); // sS holds the scores; sPart has been read
        int r = Group.IdxX / LanesPerRow;
        int t = Group.IdxX & (LanesPerRow - 1);
        if (r < TRows.Count) sMax[Group.IdxX] = PartialMax(sS, r * ScoreStride + t);
        Group.Barrier(); // sMax holds the partial maxima
        float max = float.NegativeInfinity;
        if (r < TRows.Count)
            sSum[Group.IdxX] = Exponentiate(args.Score.Log2Factor, sMax, r * LanesPerRow, sS, r * ScoreStride + t, ref max);
        Group.Barrier(); // sS holds the weights, sSum the partial sums
        if (r < TRows.Count && t == 0) WriteSums(args, at, r, max, sSum);

        AddValues(args, at, ref rows, sP);
        int slot = Group.IdxX / LanesD;
        rows.StoreO(sPart.From(slot * TRows.Count * TTile.HeadDim / 4 + (Group.IdxX & (LanesD - 1))), TTile.HeadDim / 4, TTile.HeadDim / 8);
        Group.Barrier(); // sPart holds the parts of O
        WriteO(args, at, sPart);
    }

    private static DecodePosition Place(in FlashArgs<T, TScore, TKeys> args)
    {
        DecodePosition at = default;
        at.Group = args.HeadsQ / args.HeadsKv;
        at.Rows = at.Group * args.SeqQ;
        int rowTiles = (at.Rows + TRows.Count - 1) / TRows.Count;
        at.Split = Grid.IdxX / args.Parts.Groups;
        int group = Grid.IdxX - at.Split * args.Parts.Groups;
        int index = group / rowTiles;
        at.Row0 = (group - index * rowTiles) * TRows.Count;
        at.B = index / args.HeadsKv;
        at.HKv = index - at.B * args.HeadsKv;
        int written = args.SeqKv;
        if (args.HasKeyLengths != 0) written = Math.Max(0, args.KeyLengths[args.KeyLengthsOffset + at.B]);
        at.KeyLength = Math.Min(args.SeqKv, written);
        at.Shift = args.Band.ShiftFor(args.SeqQ, at.KeyLength);
        at.Keys = args.Keys.Place(at.B, at.HKv);
        if (TKeys.HasSequences)
        {
            FlashPosition own = new() { B = at.B, SeqQ = args.SeqQ, KeyLength = at.KeyLength };
            args.Keys.Narrow(ref own, ref at.Keys, written);
            if (args.Band.FollowsEnd == 0) at.Shift -= own.FirstPosition;
        }

        // The band's ends grow with the query, so the tile's first and last one bound all.
        int j0 = at.Split * SplitKeys;
        int last = Math.Min(at.Row0 + TRows.Count, at.Rows) - 1;
        at.First = Math.Max(j0, args.Band.First(at.Row0 / at.Group, at.Shift));
        at.End = Math.Min(j0 + SplitKeys, args.Band.End(last / at.Group, at.Shift, at.KeyLength));
        return at;
    }

    /// <summary>Rows past the last one and columns past the head's are 0.</summary>
    private static void LoadQueries(in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, ArrayView<F4> sQ)
    {
        for (int index = Group.IdxX; index < TRows.Count * LanesD * 2; index += Group.DimX)
        {
            int r = index / (LanesD * 2);
            int column = 4 * (index - r * LanesD * 2);
            int row = at.Row0 + r;
            F4 value = default;
            if (row < at.Rows && column < args.HeadDim)
            {
                long q = args.Q.Head(at.B, at.Head(row)) + at.Query(row) * args.Q.RowStride;
                value = RowCopy.Load4<T, TElement>(args.Q, q, column, args.HeadDim);
            }
            sQ[(r * TTile.HeadDim + column) / 4] = value;
        }
    }

    /// <summary>
    /// S = Q K^T: four lanes share a key, eight elements of every 32 each, and take four keys at a time, so that a lane has four or eight
    /// 128-bit loads in flight and reads Q from shared memory once for them. Keys that no row sees are not read.
    /// </summary>
    private static void Dots(
        in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, ref TRows rows, ArrayView<F4> sQ, ArrayView<float> sPart)
    {
        const int step = DecodeTile<TTile, TRows>.GroupSize / LanesPerKey;
        int x = Group.IdxX & (LanesPerKey - 1);
        int headDim = args.HeadDim;
        for (int n = Group.IdxX / LanesPerKey; n < SplitKeys; n += 4 * step)
        {
            FourRows keys = args.Keys.KeyRows(at.Keys, at.Split * SplitKeys + n, step, at.First, at.End, headDim);
            rows.ClearDots();
            for (int d = 8 * x; d < headDim; d += 8 * LanesPerKey)
                rows.AddDots(sQ.From(d / 4), TTile.HeadDim / 4, args.Keys.LoadKeys(keys, d, headDim));
            rows.StoreDots(sPart.From(x * PartStride + n), SplitKeys, step);
        }
    }

    /// <summary>Sums the parts of each dot product and makes it a score; -inf where the row does not see the key.</summary>
    private static void Scores(in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, ArrayView<float> sPart, ArrayView<float> sS)
    {
        for (int index = Group.IdxX; index < TRows.Count * SplitKeys; index += Group.DimX)
        {
            int r = index / SplitKeys;
            int n = index & (SplitKeys - 1);
            int j = at.Split * SplitKeys + n;
            int row = at.Row0 + r;
            int i = at.Query(row);
            float dot = (sPart[index] + sPart[index + PartStride]) + (sPart[index + 2 * PartStride] + sPart[index + 3 * PartStride]);
            ScoreRow query = new() { B = at.B, H = at.Head(row), I = i, Aligned = i + at.Shift };
            query.First = args.Band.First(i, at.Shift);
            query.End = row < at.Rows ? args.Band.End(i, at.Shift, at.KeyLength) : 0;
            sS[r * ScoreStride + n] = query.Score(args.Score, dot, j);
        }
    }

    private static float PartialMax(ArrayView<float> sS, int offset)
    {
        float max = sS[offset];
        for (int n = LanesPerRow; n < SplitKeys; n += LanesPerRow) max = SpecialMath.Max(max, sS[offset + n]);
        return max;
    }

    /// <summary>P = exp(S - m); returns the lane's part of the sum, and m.</summary>
    private static float Exponentiate(
        float log2Factor, ArrayView<float> sMax, int rowOffset, ArrayView<float> sS, int offset, ref float max)
    {
        max = RowReduce.Max(sMax.Cast<F4>().From(rowOffset >> 2));
        float finite = SpecialMath.FiniteMax(max);
        float sum = 0f;
        for (int n = 0; n < SplitKeys; n += LanesPerRow)
        {
            float p = SpecialMath.Exp2((sS[offset + n] - finite) * log2Factor);
            sS[offset + n] = p;
            sum += p;
        }
        return sum;
    }

    /// <summary>O += P V: a slot of lanes reads a row of V, four of them in flight. Values that no row sees are not read.</summary>
    private static void AddValues(in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, ref TRows rows, ArrayView<F4> sP)
    {
        int slot = Group.IdxX / LanesD;
        int column = 8 * (Group.IdxX & (LanesD - 1));
        int headDim = args.HeadDimV;
        if (column >= headDim) return;
        int j0 = at.Split * SplitKeys;
        int first = Math.Max(0, at.First - j0) / (4 * Slots) * (4 * Slots); // the same turns for all slots, whose lanes share warps
        int end = at.End - j0;
        for (int turn = first; turn < end; turn += 4 * Slots)
        {
            int n = turn + 4 * slot;
            FourRows values = args.Keys.ValueRows(at.Keys, j0 + n, 1, at.First, at.End, headDim);
            rows.AddValues(sP.From(n / 4), ScoreStride / 4, args.Keys.LoadValues(values, column, headDim));
        }
    }

    private static void WriteSums(in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, int r, float max, ArrayView<float> sSum)
    {
        if (at.Row0 + r >= at.Rows) return;
        float sum = 0f;
        for (int n = 0; n < LanesPerRow; n++) sum += sSum[r * LanesPerRow + n];
        args.Parts.Write(PartRow(args, at, at.Row0 + r), max, sum);
    }

    /// <summary>Sums the slots' parts of O, in order.</summary>
    private static void WriteO(in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, ArrayView<F4> sPart)
    {
        for (int index = Group.IdxX; index < TRows.Count * LanesD * 2; index += Group.DimX)
        {
            int r = index / (LanesD * 2);
            int quad = index - r * LanesD * 2;
            int column = quad < LanesD ? 8 * quad : 8 * (quad - LanesD) + 4;
            if (at.Row0 + r >= at.Rows || column >= args.HeadDimV) continue;
            F4 o = default;
            for (int slot = 0; slot < Slots; slot++)
                o.Fma(1f, sPart[(slot * TRows.Count + r) * TTile.HeadDim / 4 + quad]);
            Float32Element.Store4(args.Parts.Data, PartRow(args, at, at.Row0 + r) * args.Parts.OStride + column, o);
        }
    }

    private static long PartRow(in FlashArgs<T, TScore, TKeys> args, in DecodePosition at, int row) =>
        SplitParts.Row(args, at.Split, at.B, at.Head(row), at.Query(row));
}

/// <summary>
/// What a group of FlashDecode works on: rows from Row0 on of (batch entry, key head) over the keys [First, End) of a split.
/// </summary>
public struct DecodePosition
{
    public int B, HKv, Split, First, End, KeyLength, Shift;
    public KeyPlace Keys;

    /// <summary>Query heads of a key head; a row is (query, head of the group), heads innermost.</summary>
    public int Group;
    public int Row0, Rows;

    public readonly int Query(int row) => row / Group;

    public readonly int Head(int row) => HKv * Group + row - row / Group * Group;
}
