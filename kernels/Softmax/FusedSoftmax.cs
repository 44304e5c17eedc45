using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What FusedSoftmax receives. X and Y (batch, heads, rows, columns), may be the same memory in the same layout.</summary>
public struct SoftmaxArgs<TX, TY, TScore>
    where TX : unmanaged
    where TY : unmanaged
    where TScore : struct, IScoreRule
{
    public HeadView<TX> X;
    public HeadView<TY> Y;

    /// <summary>(batch, heads, rows), written where <see cref="HasLse"/> is 1.</summary>
    public ArrayView<float> Lse;
    public long LseOffset;

    /// <summary>(batch) visible columns, read where <see cref="HasKeyLengths"/> is 1.</summary>
    public ArrayView<int> KeyLengths;
    public long KeyLengthsOffset;
    public int HasLse, HasKeyLengths;

    public int Batch, Heads, Rows, Columns;

    /// <summary>1 = log-softmax.</summary>
    public int IsLog;

    /// <summary>1 = the scores, without a softmax; read where the rule is general.</summary>
    public int IsScores;
    public KeyBand Band;
    public TScore Score;
}

/// <summary>
/// Y = softmax(score(X)) per row, or its logarithm, or score(X). One pass over the row finds the maximum m and the sum l of exp(s - m)
/// together (Milakov and Gimelshein, Online normalizer calculation for softmax, algorithm 3); a second pass writes. Hidden columns give 0
/// (minus infinity in log-softmax and scores), also in rows where everything is hidden.
/// Grid: ceil(batch heads rows / TTile.Rows) groups; group: Lanes x Rows; shared: 2 floats a lane.
/// </summary>
public static class FusedSoftmax<TX, TElementX, TY, TElementY, TTile, TScore>
    where TX : unmanaged
    where TElementX : struct, IElement<TX>
    where TY : unmanaged
    where TElementY : struct, IElement<TY>
    where TTile : struct, ISoftmaxTile
    where TScore : struct, IScoreRule
{
    public static void Kernel(SoftmaxArgs<TX, TY, TScore> args)
    {
        ArrayView<float> sM = SharedMemory.Allocate<float>(TTile.Lanes * TTile.Rows); // [Rows][Lanes]
        ArrayView<float> sL = SharedMemory.Allocate<float>(TTile.Lanes * TTile.Rows); // [Rows][Lanes]

        int lane = Group.IdxX & (TTile.Lanes - 1);
        SoftmaxRow row = Place(args);
        float factor = args.Score.Log2Factor;

        OnlineSoftmax state = OnlineSoftmax.Empty;
        for (int j = (row.Seen.First & ~3) + 4 * lane; j < row.Seen.End; j += 4 * TTile.Lanes)
            state.Add(Scores(args, row, j), factor);
        state = Reduce(state, sM, sL, lane, factor);

        if (row.IsInside == 0) return;
        if (TScore.IsGeneral) state.Merge(args.Score.Sink(row.Seen.H), 1f, factor);
        if (args.HasLse != 0 && lane == 0) args.Lse[args.LseOffset + row.Index] = state.Lse(factor);
        float max = SpecialMath.FiniteMax(state.M);
        float log2Sum = state.L == 0f ? 0f : SpecialMath.Log2(state.L);
        float inverse = state.L == 0f ? 0f : 1f / state.L;
        for (int j = 4 * lane; j < args.Columns; j += 4 * TTile.Lanes)
        {
            F4 s = Scores(args, row, j);
            F4 y = args.IsLog != 0 ? LogSoftmax(s, max, factor, log2Sum) : Softmax(s, max, factor, inverse);
            if (TScore.IsGeneral && args.IsScores != 0) y = s;
            RowCopy.Store4<TY, TElementY>(args.Y, row.Y, j, args.Columns, y);
        }
    }

    private static SoftmaxRow Place(in SoftmaxArgs<TX, TY, TScore> args)
    {
        SoftmaxRow row = default;
        long rows = (long)args.Batch * args.Heads * args.Rows;
        row.Index = (long)Grid.IdxX * TTile.Rows + Group.IdxX / TTile.Lanes;
        if (row.Index >= rows) return row; // its lanes still take part in the barriers, with no columns

        long head = row.Index / args.Rows;
        row.IsInside = 1;
        int i = (int)(row.Index - head * args.Rows);
        int b = (int)(head / args.Heads);
        int h = (int)(head - (long)b * args.Heads);
        int length = args.Columns;
        if (args.HasKeyLengths != 0) length = Math.Min(length, Math.Max(0, args.KeyLengths[args.KeyLengthsOffset + b]));
        int shift = args.Band.ShiftFor(args.Rows, length);
        row.Seen = new ScoreRow { B = b, H = h, I = i, Aligned = i + shift };
        row.Seen.First = args.Band.First(i, shift);
        row.Seen.End = args.Band.End(i, shift, length);
        row.X = args.X.Head(b, h) + i * args.X.RowStride;
        row.Y = args.Y.Head(b, h) + i * args.Y.RowStride;
        return row;
    }

    /// <summary>The scores of columns j .. j+3; minus infinity where hidden, and past the end of the row.</summary>
    private static F4 Scores(in SoftmaxArgs<TX, TY, TScore> args, in SoftmaxRow row, int j)
    {
        const float hidden = float.NegativeInfinity;
        if (j + 4 <= row.Seen.First || j >= row.Seen.End) return new F4(hidden, hidden, hidden, hidden);
        F4 x = RowCopy.Load4<TX, TElementX>(args.X, row.X, j, args.Columns);
        return row.Seen.Scores(args.Score, x, new I4(j, j + 1, j + 2, j + 3));
    }

    private static F4 Softmax(F4 s, float m, float factor, float inverse) => new(
        Weight(s.X, m, factor, inverse), Weight(s.Y, m, factor, inverse),
        Weight(s.Z, m, factor, inverse), Weight(s.W, m, factor, inverse));

    private static F4 LogSoftmax(F4 s, float m, float factor, float log2Sum) => new(
        LogWeight(s.X, m, factor, log2Sum), LogWeight(s.Y, m, factor, log2Sum),
        LogWeight(s.Z, m, factor, log2Sum), LogWeight(s.W, m, factor, log2Sum));

    /// <summary>A hidden score gets its own answer: where a visible one is NaN, so are m and l, and the formula would give NaN.</summary>
    private static float Weight(float s, float m, float factor, float inverse) =>
        s == float.NegativeInfinity ? 0f : SpecialMath.Exp2((s - m) * factor) * inverse;

    private static float LogWeight(float s, float m, float factor, float log2Sum) =>
        s == float.NegativeInfinity ? s : ((s - m) * factor - log2Sum) * SpecialMath.Ln2;

    /// <summary>Merges the states of a row's lanes, in a fixed order; all its lanes get the result.</summary>
    private static OnlineSoftmax Reduce(OnlineSoftmax state, ArrayView<float> sM, ArrayView<float> sL, int lane, float factor)
    {
        int own = Group.IdxX;
        sM[own] = state.M;
        sL[own] = state.L;
        for (int step = TTile.Lanes / 2; step > 0; step /= 2)
        {
            Group.Barrier(); // the states of this level are written
            if (lane >= step) continue;
            state.Merge(sM[own + step], sL[own + step], factor);
            sM[own] = state.M;
            sL[own] = state.L;
        }
        Group.Barrier(); // lane 0 of each row holds its result
        return new OnlineSoftmax { M = sM[own - lane], L = sL[own - lane] };
    }
}

/// <summary>The row that a lane works on: its place, the columns it may see, the offsets of its first elements.</summary>
public struct SoftmaxRow
{
    public long Index, X, Y;
    public int IsInside;
    public ScoreRow Seen;
}
