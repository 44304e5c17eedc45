using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>Sizes of <see cref="TensorFlashForward{TStored, TElement, TQueries, TScores, TOutput, TScore}"/>.</summary>
public static class TensorFlashTile
{
    /// <summary>Four warps.</summary>
    public const int GroupSize = 128;

    /// <summary>Query rows of a tile: 16 a warp, the height of one product.</summary>
    public const int Br = 64;

    /// <summary>Shared memory in chunks of 16 bytes: K and V twice, 64 x 64 or 32 x 128 elements each.</summary>
    public const int Chunks = 4 * Tile;

    /// <summary>Chunks of one tile of K or V.</summary>
    public const int Tile = 512;

    public const int SharedBytes = 16 * Chunks;
}

/// <summary>
/// Fused attention on tensor cores: O = softmax(score(Q K^T)) V and LSE in one pass over the keys (Dao, FlashAttention-2, algorithm 1).
/// A warp owns 16 query rows; Q, S, P and O stay in its registers. K and V of the next tile travel to shared memory while this one is
/// multiplied.
/// Grid: Tr * headsQ * batch groups; group: 128 lanes; shared: 32 KB.
/// </summary>
public static class TensorFlashForward<TStored, TElement, TQueries, TScores, TOutput, TScore>
    where TStored : struct, IElement<ushort>
    where TElement : struct, ITensorElement
    where TQueries : struct, ITensorQueries<TElement>
    where TScores : struct, ITensorColumns<TElement>
    where TOutput : struct, ITensorColumns<TElement>
    where TScore : struct, IScoreRule
{
    private const int Br = TensorFlashTile.Br;
    private const int Tile = TensorFlashTile.Tile;

    private static int Bc => TScores.Columns;

    /// <summary>Chunks of 16 bytes in a row of Q, K or V.</summary>
    private static int RowChunks => TOutput.Columns / 8;

    public static void Kernel(FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>> args)
    {
        // [stage][K, V][Bc][head dim]; Q [Br][head dim] before the first tile.
        ArrayView<U4> sTiles = SharedMemory.Allocate<U4>(TensorFlashTile.Chunks);
        FlashPosition at = FlashPosition.Of(args, Br, out _, out int i0);
        int warpRow = Group.IdxX / 32 * 16;
        int i = i0 + warpRow + (Group.IdxX & 31) / 4; // the upper one of the lane's two rows; the lower is i + 8
        int t = Group.IdxX & 3;

        // The band's ends grow with the row, so the first and last rows of the tile bound all of them.
        int iLast = Math.Min(i0 + Br, args.SeqQ) - 1;
        int first = args.Band.First(i0, at.Shift);
        int end = args.Band.End(iLast, at.Shift, at.KeyLength);
        int firstOfLast = args.Band.First(iLast, at.Shift);
        int endOfFirst = args.Band.End(i0, at.Shift, at.KeyLength);

        SwizzledTile.Load(args.Q, args.Q.Head(at.B, at.H), i0, Br, 0, args.SeqQ, args.HeadDim, sTiles, 0, RowChunks);
        TensorCore.WaitForCopies();
        Group.Barrier(); // sTiles holds Q_i
        TQueries q = default;
        q.Load(sTiles, warpRow, 0, RowChunks);
        Group.Barrier(); // Q_i is in registers

        TOutput o = default;
        o.Clear();
        float mUpper = float.NegativeInfinity, mLower = float.NegativeInfinity;
        float lUpper = 0f, lLower = 0f;
        float factor = args.Score.Log2Factor;
        int stage = 0;
        int j = NextTile(args, at, i0, iLast, first - first % Bc, end);
        if (j < end) LoadKeys(args, at, j, first, end, sTiles, stage);
        while (j < end)
        {
            TensorCore.WaitForCopies();
            Group.Barrier(); // K_j and V_j are there; the other stage has been read
            int next = NextTile(args, at, i0, iLast, j + Bc, end);
            if (next < end) LoadKeys(args, at, next, first, end, sTiles, 2 * Tile - stage);

            TScores s = default;
            s.Clear();
            q.AddDots(ref s, sTiles, stage, 0, RowChunks);
            bool isWhole = !TScore.IsPointwise && j >= firstOfLast && j + Bc <= endOfFirst;
            if (!isWhole) s.ApplyScore(args.Score, at, i, j + 2 * t);

            // m' = max(m, rowmax S), alpha = exp(m - m'), P = exp(S - m'), l = alpha l + rowsum P, O = alpha O
            float upper = mUpper, lower = mLower;
            s.Max(ref upper, ref lower);
            upper = QuadMax(upper);
            lower = QuadMax(lower);
            float finiteUpper = SpecialMath.FiniteMax(upper);
            float finiteLower = SpecialMath.FiniteMax(lower);
            float alphaUpper = SpecialMath.Exp2((mUpper - finiteUpper) * factor);
            float alphaLower = SpecialMath.Exp2((mLower - finiteLower) * factor);
            mUpper = upper;
            mLower = lower;
            lUpper *= alphaUpper;
            lLower *= alphaLower;
            s.Exponentiate(finiteUpper, finiteLower, factor, ref lUpper, ref lLower);
            o.Scale(alphaUpper, alphaLower);

            // A hidden key has weight 0, which a product would turn into NaN beside a value that is infinite or NaN.
            bool mustHide = false;
            if (!isWhole) mustHide = Group.BarrierOr(HasNonFinite(sTiles, stage + Tile));
            if (mustHide) AddVisible(ref o, s, sTiles, stage, warpRow);
            else s.AddTo(ref o, sTiles, stage + Tile, 0, RowChunks);
            stage = 2 * Tile - stage;
            j = next;
        }

        Write(args, at, i, t, ref o, mUpper, QuadSum(lUpper), isLower: false);
        Write(args, at, i + 8, t, ref o, mLower, QuadSum(lLower), isLower: true);
    }

    /// <summary>The first key tile from j on in which something may be visible.</summary>
    private static int NextTile(
        in FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>> args, in FlashPosition at, int i0, int iLast, int j, int end)
    {
        if (TScore.IsGeneral)
        {
            while (j < end && args.Score.HidesTile(at.B, at.H, i0, iLast, j, Math.Min(j + Bc, end) - 1)) j += Bc;
        }
        return j;
    }

    /// <summary>Starts loading K_j and V_j.</summary>
    private static void LoadKeys(
        in FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>> args, in FlashPosition at, int j, int first, int end, ArrayView<U4> sTiles,
        int stage)
    {
        KeyPlace keys = args.Keys.Place(at.B, at.H / (args.HeadsQ / args.HeadsKv));
        SwizzledTile.Load(args.Keys.K, keys.K, j, Bc, first, end, args.HeadDim, sTiles, stage, RowChunks);
        SwizzledTile.Load(args.Keys.V, keys.V, j, Bc, first, end, args.HeadDimV, sTiles, stage + Tile, RowChunks);
    }

    /// <summary>Whether this lane's share of the tile of V has an element that is infinite or NaN.</summary>
    private static bool HasNonFinite(ArrayView<U4> sTiles, int offset)
    {
        bool found = false;
        for (int index = Group.IdxX; index < Tile; index += TensorFlashTile.GroupSize)
        {
            U4 v = sTiles[offset + index];
            found |= HasNonFinite(v.X) | HasNonFinite(v.Y) | HasNonFinite(v.Z) | HasNonFinite(v.W);
        }
        return found;
    }

    private static bool HasNonFinite(uint pair)
    {
        const uint low = 0xFFFFu;
        uint exponents = ~pair & TElement.ExponentMask;
        return (exponents & low) == 0 || (exponents & ~low) == 0;
    }

    /// <summary>
    /// O += P V where a weight of 0 hides its value. Rare, so it is small and not fast: P goes through K_j's memory, one key at a time.
    /// </summary>
    private static void AddVisible(ref TOutput o, in TScores p, ArrayView<U4> sTiles, int stage, int warpRow)
    {
        ArrayView<uint> sWords = sTiles.Cast<uint>(); // the barrier of the decision came after the last read of K_j
        int row = (Group.IdxX & 31) / 4;
        int upper = 4 * stage + (warpRow + row) * (Bc / 2);
        int lower = upper + 8 * (Bc / 2);
        int swizzle = 4 * (row * (Bc / 2) / 32); // eight rows lie in different banks
        TScores weights = p;
        weights.StoreWeights(sWords, upper, lower, Group.IdxX & 3, swizzle);
        Group.Barrier(); // P is in shared memory
        for (int key = 0; key < Bc; key++)
        {
            int shift = 16 * (key & 1);
            float pUpper = TElement.Load((ushort)(sWords[upper + ((key / 2) ^ swizzle)] >> shift));
            float pLower = TElement.Load((ushort)(sWords[lower + ((key / 2) ^ swizzle)] >> shift));
            o.AddWeighted(pUpper, pLower, sWords, stage + Tile, key, 0, RowChunks);
        }
    }

    private static float QuadMax(float value)
    {
        value = SpecialMath.Max(value, Warp.ShuffleXor(value, 1));
        return SpecialMath.Max(value, Warp.ShuffleXor(value, 2));
    }

    private static float QuadSum(float value)
    {
        value += Warp.ShuffleXor(value, 1);
        return value + Warp.ShuffleXor(value, 2);
    }

    /// <summary>
    /// l += exp(sink - m), O = O / l, LSE = m + ln(l); a row that saw no key gives O = 0 and LSE = sink, or -inf where there is none.
    /// </summary>
    private static void Write(
        in FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>> args, in FlashPosition at, int i, int t, ref TOutput o, float m, float l,
        bool isLower)
    {
        if (i >= args.SeqQ) return;
        float factor = args.Score.Log2Factor;
        OnlineSoftmax state = new() { M = m, L = l };
        if (TScore.IsGeneral) state.Merge(args.Score.Sink(at.H), 1f, factor);
        float scale = state.L == 0f ? 0f : 1f / state.L;
        if (TScore.IsGeneral) scale *= SpecialMath.Exp2((m - SpecialMath.FiniteMax(state.M)) * factor); // O has the old maximum
        o.Scale(isLower ? 1f : scale, isLower ? scale : 1f);
        long row = args.O.Head(at.B, at.H) + i * args.O.RowStride;
        o.Write(args.O, row, 2 * t, args.HeadDimV, isLower);
        if (args.HasLse == 0 || t != 0) return;
        args.Lse[args.LseOffset + ((long)at.B * args.HeadsQ + at.H) * args.SeqQ + i] = state.Lse(factor);
    }
}
