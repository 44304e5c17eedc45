using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// What MergeParts receives. Part p of batch entry b is entry p * batch + b of PartsO (parts * batch, heads, seq, headDim) and of M, L
/// and the result's place (batch, heads, seq).
/// </summary>
public struct MergeArgs<T, TOut>
    where T : unmanaged
    where TOut : unmanaged
{
    public HeadView<T> PartsO;

    /// <summary>
    /// (parts * batch, heads, seq): the part's maximum m, or its log-sum-exp where it has no L; -inf: the part saw no key.
    /// </summary>
    public ArrayView<float> M;
    public long MOffset;

    /// <summary>
    /// (parts * batch, heads, seq) sums l of exp(s - m), read where <see cref="HasSums"/> is 1; else the parts are normalised, l = 1.
    /// </summary>
    public ArrayView<float> L;
    public long LOffset;
    public int HasSums;

    public HeadView<TOut> O;

    /// <summary>(batch, heads, seq), written where <see cref="HasLse"/> is 1.</summary>
    public ArrayView<float> Lse;
    public long LseOffset;
    public int HasLse;

    public int Parts, Batch, Heads, Seq, HeadDim;

    /// <summary>Lanes that take parts of a row in turn: see <see cref="MergeSizes.Slots"/>.</summary>
    public int Slots;

    /// <summary>
    /// Where part p is what keys p * SplitKeys and following gave, only parts with a key that the row sees are read; 0: all are.
    /// </summary>
    public int SplitKeys;

    /// <summary>(batch) visible keys of SeqKv, read where <see cref="HasKeyLengths"/> is 1.</summary>
    public ArrayView<int> KeyLengths;
    public long KeyLengthsOffset;
    public int HasKeyLengths, SeqKv;
    public KeyBand Band;

    /// <summary>1 where the keys are the last SeqKv of as many as the key length says: <see cref="GeneralKeys.RingRows"/>.</summary>
    public int IsRing;

    /// <summary>
    /// (heads) scores that take part in every row's sum like one more key without a value, read where <see cref="HasSinks"/> is 1.
    /// </summary>
    public ArrayView<float> Sinks;
    public long SinksOffset;
    public int HasSinks;

    /// <summary>What a sink is multiplied by to be comparable to an m.</summary>
    public float SinkFactor;

    /// <summary>What a difference of two m is multiplied by to become a base-2 exponent.</summary>
    public float Log2Factor;
}

/// <summary>How MergeParts shares its work out; shared memory is counted in bytes.</summary>
public static class MergeSizes
{
    public const int GroupSize = 128;

    /// <summary>Lanes across a row, four columns each: together a line of 128 bytes of fp32.</summary>
    public const int LanesX = 8;

    public const int Columns = 4 * LanesX;

    public const int MostSlots = GroupSize / LanesX;

    public const int SharedBytes = GroupSize * (4 * sizeof(float) + 2 * sizeof(float));

    /// <summary>
    /// A slot takes four parts at a time: as many slots as that needs, and the rest of the group for other rows. The order of a row's sum
    /// is that of its parts, however many follow without a key: slots beyond them add 0.
    /// </summary>
    public static int Slots(int parts)
    {
        int slots = 1;
        while (slots < MostSlots && 4 * slots < parts) slots *= 2;
        return slots;
    }
}

/// <summary>
/// Merges partial attention results over disjoint sets of keys: with w_p = exp(m_p - max m), O = sum w_p O_p / sum w_p l_p and
/// LSE = max m + ln(sum w_p l_p) (the combine step of split-KV decoding; Dao et al., Flash-Decoding, 2023). All lanes of a row look for
/// its maximum, then every slot of lanes sums parts of its own, four loads of O in flight, and the slots' sums are added in order.
/// Grid: ceil(batch heads seq / rows a group) * ceil(headDim / 32) groups; group: 128 lanes, 16 / slots rows; shared:
/// MergeSizes.SharedBytes.
/// </summary>
public static class MergeParts<T, TElement, TOut, TElementOut>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TOut : unmanaged
    where TElementOut : struct, IElement<TOut>
{
    private const int LanesX = MergeSizes.LanesX;

    public static void Kernel(MergeArgs<T, TOut> args)
    {
        ArrayView<F4> sO = SharedMemory.Allocate<F4>(MergeSizes.GroupSize);
        ArrayView<F4> sMax = SharedMemory.Allocate<F4>(MergeSizes.GroupSize / 4);
        ArrayView<float> sSum = SharedMemory.Allocate<float>(MergeSizes.GroupSize);

        int lanes = LanesX * args.Slots;
        MergePosition at = Place(args, lanes);
        sMax.Floats(0)[Group.IdxX] = PartialMax(args, at, lanes);
        Group.Barrier(); // sMax holds the partial maxima
        float max = float.NegativeInfinity;
        ArrayView<F4> sRow = sMax.From(Group.IdxX / lanes * lanes / 4);
        for (int n = 0; n < lanes / 4; n++) max = SpecialMath.Max(max, RowReduce.Max(sRow[n]));

        F4 o = default;
        float sum = 0f;
        if (at.Column < args.HeadDim) AddParts(args, at, max, ref o, ref sum);
        sO[Group.IdxX] = o;
        sSum[Group.IdxX] = sum;
        Group.Barrier(); // sO and sSum hold the sums of all slots
        if (at.Slot == 0 && at.IsInside != 0 && at.Column < args.HeadDim) Write(args, at, max, sO, sSum);
    }

    private static MergePosition Place(in MergeArgs<T, TOut> args, int lanes)
    {
        int blocks = (args.HeadDim + MergeSizes.Columns - 1) / MergeSizes.Columns;
        int tile = Grid.IdxX / blocks;
        MergePosition at = default;
        at.Column = (Grid.IdxX - tile * blocks) * MergeSizes.Columns + 4 * (Group.IdxX & (LanesX - 1));
        at.Slot = (Group.IdxX & (lanes - 1)) / LanesX;
        at.Rows = (long)args.Batch * args.Heads * args.Seq;
        long row = (long)tile * (MergeSizes.GroupSize / lanes) + Group.IdxX / lanes;
        at.IsInside = row < at.Rows ? 1 : 0;
        at.Row = Math.Min(row, at.Rows - 1); // lanes past the last row take part in the barriers
        long head = at.Row / args.Seq;
        at.I = (int)(at.Row - head * args.Seq);
        at.B = (int)(head / args.Heads);
        at.H = (int)(head - (long)at.B * args.Heads);
        at.End = args.Parts;
        if (args.SplitKeys == 0) return at;

        int written = args.SeqKv;
        if (args.HasKeyLengths != 0) written = Math.Max(0, args.KeyLengths[args.KeyLengthsOffset + at.B]);
        int keyLength = Math.Min(args.SeqKv, written);
        int shift = args.Band.ShiftFor(args.Seq, keyLength);
        if (args.IsRing != 0 && args.Band.FollowsEnd == 0) shift -= written - keyLength;
        int first = args.Band.First(at.I, shift);
        int end = args.Band.End(at.I, shift, keyLength);
        at.First = first / args.SplitKeys;
        at.End = first < end ? (end + args.SplitKeys - 1) / args.SplitKeys : at.First;
        return at;
    }

    private static float PartialMax(in MergeArgs<T, TOut> args, in MergePosition at, int lanes)
    {
        float max = float.NegativeInfinity;
        for (int p = at.First + (Group.IdxX & (lanes - 1)); p < at.End; p += lanes)
            max = SpecialMath.Max(max, args.M[args.MOffset + at.Place(p)]);
        return max;
    }

    /// <summary>O += w O_p and sum += w l_p over the slot's parts. Past the last part the last one is read, with weight 0.</summary>
    private static void AddParts(in MergeArgs<T, TOut> args, in MergePosition at, float max, ref F4 o, ref float sum)
    {
        long row = args.PartsO.Head(at.B, at.H) + at.I * args.PartsO.RowStride;
        long step = args.Batch * args.PartsO.BatchStride;
        bool isVector = args.PartsO.IsVector != 0 && at.Column + 4 <= args.HeadDim;
        int last = at.End - 1;
        for (int p0 = at.First + 4 * at.Slot; p0 < at.End; p0 += 4 * args.Slots)
        {
            int p1 = Math.Min(p0 + 1, last), p2 = Math.Min(p0 + 2, last), p3 = Math.Min(p0 + 3, last);
            F4 m = Four(args.M, args.MOffset, at, p0, p1, p2, p3);
            F4 l = new(1f, 1f, 1f, 1f);
            if (args.HasSums != 0) l = Four(args.L, args.LOffset, at, p0, p1, p2, p3);
            F4 o0, o1, o2, o3;
            if (isVector)
            {
                o0 = TElement.Load4(args.PartsO.Data, row + p0 * step + at.Column);
                o1 = TElement.Load4(args.PartsO.Data, row + p1 * step + at.Column);
                o2 = TElement.Load4(args.PartsO.Data, row + p2 * step + at.Column);
                o3 = TElement.Load4(args.PartsO.Data, row + p3 * step + at.Column);
            }
            else
            {
                o0 = RowCopy.Load4<T, TElement>(args.PartsO, row + p0 * step, at.Column, args.HeadDim);
                o1 = RowCopy.Load4<T, TElement>(args.PartsO, row + p1 * step, at.Column, args.HeadDim);
                o2 = RowCopy.Load4<T, TElement>(args.PartsO, row + p2 * step, at.Column, args.HeadDim);
                o3 = RowCopy.Load4<T, TElement>(args.PartsO, row + p3 * step, at.Column, args.HeadDim);
            }
            Add(ref o, ref sum, Weight(args.Log2Factor, m.X, max), o0, l.X);
            if (p0 + 1 < at.End) Add(ref o, ref sum, Weight(args.Log2Factor, m.Y, max), o1, l.Y);
            if (p0 + 2 < at.End) Add(ref o, ref sum, Weight(args.Log2Factor, m.Z, max), o2, l.Z);
            if (p0 + 3 < at.End) Add(ref o, ref sum, Weight(args.Log2Factor, m.W, max), o3, l.W);
        }
    }

    private static F4 Four(ArrayView<float> view, long offset, in MergePosition at, int p0, int p1, int p2, int p3) =>
        new(view[offset + at.Place(p0)], view[offset + at.Place(p1)], view[offset + at.Place(p2)], view[offset + at.Place(p3)]);

    /// <summary>0 for a part that saw no key, and for it alone unless the exponential underflows.</summary>
    private static float Weight(float log2Factor, float m, float max) =>
        m == float.NegativeInfinity ? 0f : SpecialMath.Exp2((m - max) * log2Factor);

    /// <summary>What a part of weight 0 holds does not matter.</summary>
    private static void Add(ref F4 o, ref float sum, float weight, F4 part, float l)
    {
        if (weight == 0f) return;
        o.Fma(weight, part);
        sum += weight * l;
    }

    private static void Write(in MergeArgs<T, TOut> args, in MergePosition at, float max, ArrayView<F4> sO, ArrayView<float> sSum)
    {
        F4 o = default;
        float sum = 0f;
        for (int slot = 0; slot < args.Slots; slot++)
        {
            o.Fma(1f, sO[Group.IdxX + LanesX * slot]);
            sum += sSum[Group.IdxX + LanesX * slot];
        }
        if (args.HasSinks != 0)
        {
            OnlineSoftmax state = new() { M = max, L = sum };
            state.Merge(args.Sinks[args.SinksOffset + at.H] * args.SinkFactor, 1f, args.Log2Factor);
            o.Scale(SpecialMath.Exp2((max - SpecialMath.FiniteMax(state.M)) * args.Log2Factor));
            max = state.M;
            sum = state.L;
        }
        bool isEmpty = sum == 0f;
        o.Scale(isEmpty ? 0f : 1f / sum);
        RowCopy.Store4<TOut, TElementOut>(
            args.O, args.O.Head(at.B, at.H) + at.I * args.O.RowStride, at.Column, args.HeadDim, o);
        if (args.HasLse == 0 || at.Column != 0) return;
        float lse = (max * args.Log2Factor + SpecialMath.Log2(sum)) * SpecialMath.Ln2;
        args.Lse[args.LseOffset + at.Row] = isEmpty ? float.NegativeInfinity : lse;
    }
}

/// <summary>What a lane of MergeParts works on: four columns of row (B, H, I), and of the parts [First, End) those of its slot.</summary>
public struct MergePosition
{
    public int B, H, I, Column, Slot, First, End;

    /// <summary>1 where the lane has a row of its own.</summary>
    public int IsInside;

    /// <summary>The row among all Rows of a part.</summary>
    public long Row, Rows;

    /// <summary>Where the row's m and l of a part lie.</summary>
    public readonly long Place(int part) => part * Rows + Row;
}
