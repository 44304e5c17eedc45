using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// What CacheConvert receives: Update (batch, heads, rows, dim), and a cache of another type, as <see cref="CacheRows"/> says.
/// </summary>
public struct CacheConvertArgs<T>
    where T : unmanaged
{
    public HeadView<T> Update;
    public StoredRows Cache;
    public CacheRows Place;
    public int Batch, Heads, Rows, Dim;
}

/// <summary>
/// Appends rows to a cache of another type than theirs: rounded to a floating-point type, or quantised, one scale a row:
/// <code>
/// scale = max |x| / 127 ; code = round(x / scale), ties to even
/// </code>
/// A row of zeros has scale 0. A row that holds an infinity or a NaN has scale NaN, and so is NaN when it is read.
/// Grid: batch heads rows groups; group: 64 lanes; shared: a maximum for each lane.
/// </summary>
public static class CacheConvert<T, TElement>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public const int GroupSize = 64;

    private const uint Infinity = 0x7F800000u;

    public static void Kernel(CacheConvertArgs<T> args)
    {
        ArrayView<uint> sMax = SharedMemory.Allocate<uint>(GroupSize);
        int head = Grid.IdxX / args.Rows;
        int r = Grid.IdxX - head * args.Rows;
        int b = head / args.Heads;
        int h = head - b * args.Heads;
        int columns = args.Place.Find(b, r, out int entry, out int row) ? args.Dim : 0;
        long source = args.Update.Head(b, h) + r * args.Update.RowStride;
        long target = args.Cache.Offset + entry * args.Cache.BatchStride + h * args.Cache.HeadStride + row * args.Cache.RowStride;
        bool isInteger = args.Cache.Floats.Kind == FloatView.None;

        // Barriers are not under a condition: a kernel that PoCL 6 makes of such ones fails.
        uint max = Max(args, source, isInteger ? columns : 0, sMax);
        if (!isInteger)
        {
            for (int d = Group.IdxX; d < columns; d += GroupSize)
                args.Cache.Floats.Store(target + d, TElement.Load(args.Update.Data[source + d]));
            return;
        }

        float scale = max < Infinity ? Interop.IntAsFloat(max) / 127f : float.NaN;
        if (Group.IdxX == 0 && columns > 0)
        {
            args.Cache.Scales[
                args.Cache.ScaleOffset + entry * args.Cache.ScaleBatchStride + h * args.Cache.ScaleHeadStride
                + row * args.Cache.ScaleRowStride] = scale;
        }
        for (int d = Group.IdxX; d < columns; d += GroupSize)
            args.Cache.Integers[target + d] = Code(TElement.Load(args.Update.Data[source + d]), scale);
    }

    /// <summary>The largest |x| of the row as bits, which order NaN and infinity behind all numbers.</summary>
    private static uint Max(in CacheConvertArgs<T> args, long source, int columns, ArrayView<uint> sMax)
    {
        uint max = 0;
        for (int d = Group.IdxX; d < columns; d += GroupSize)
            max = Math.Max(max, Interop.FloatAsInt(TElement.Load(args.Update.Data[source + d])) & 0x7FFFFFFFu);
        sMax[Group.IdxX] = max;
        for (int step = GroupSize / 2; step > 0; step /= 2)
        {
            Group.Barrier(); // the maxima of this level are written
            if (Group.IdxX < step) sMax[Group.IdxX] = Math.Max(sMax[Group.IdxX], sMax[Group.IdxX + step]);
        }
        Group.Barrier(); // lane 0 holds the maximum of the row
        return sMax[0];
    }

    /// <summary>1.5 * 2^23 leaves the integer nearest to a small number, ties to even, in the low bits of the sum.</summary>
    private static sbyte Code(float x, float scale)
    {
        if (!(scale > 0f)) return 0;
        float code = IntrinsicMath.Clamp(x / scale, -127f, 127f);
        return (sbyte)Interop.FloatAsInt(code + 12582912f);
    }
}
