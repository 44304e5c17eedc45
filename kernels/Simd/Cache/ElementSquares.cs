using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Cache[b, h, r, 0] = Update[b, h, r, 0] for elements of T's size, square by square: where neighbours along h lie side by side in one
/// tensor and neighbours along r in the other, the cache lines of a square's both sides are used whole before they are replaced.
/// </summary>
internal static unsafe class ElementSquares<T>
    where T : unmanaged
{
    /// <summary>A stride that keeps to one set of a first-level cache of 64 sets.</summary>
    private const int SetBytes = 4096;

    /// <summary>Elements in a cache line.</summary>
    private static int Side => Scratch.Alignment / sizeof(T);

    /// <summary>Work items of a batch entry.</summary>
    public static int Strips(in CacheAppendArgs args) => ((args.Rows - 1) / Side) + 1;

    /// <summary>The squares of all h for <see cref="Side"/> r.</summary>
    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly CacheAppendArgs args = ref Unsafe.AsRef<CacheAppendArgs>(shared);
        int strips = Strips(args);
        (int b, int first) = (item / strips, item % strips * Side);
        int rows = Math.Min(Side, args.Rows - first);
        T* source = (T*)args.Update.Data + b * args.Update.BatchStride + first * args.Update.RowStride;
        T* target = (T*)args.Cache.Data + b * args.Cache.BatchStride + first * args.Cache.RowStride;
        for (int h = 0; h < args.Heads; h += Side)
        {
            Square(source, target, rows, Math.Min(Side, args.Heads - h), args.Update, args.Cache);
            source += Side * args.Update.HeadStride;
            target += Side * args.Cache.HeadStride;
        }
    }

    /// <summary>
    /// Lines of the target are written whole, except where those of the source share a set of the cache and would be lost before their
    /// second element is read: then these are read whole.
    /// </summary>
    private static void Square(T* source, T* target, int rows, int heads, in HeadTensor from, in HeadTensor to)
    {
        bool conflicts = Math.Max(from.HeadStride, from.RowStride) * sizeof(T) % SetBytes == 0;
        if (conflicts ? from.HeadStride > from.RowStride : to.HeadStride > to.RowStride)
            Copy(source, target, heads, rows, from.HeadStride, to.HeadStride, from.RowStride, to.RowStride);
        else Copy(source, target, rows, heads, from.RowStride, to.RowStride, from.HeadStride, to.HeadStride);
    }

    private static void Copy(T* source, T* target, int outer, int inner, long fromOuter, long toOuter, long fromInner, long toInner)
    {
        for (int o = 0; o < outer; o++, source += fromOuter, target += toOuter)
        {
            T* x = source;
            T* y = target;
            for (int i = 0; i < inner; i++, x += fromInner, y += toInner) *y = *x;
        }
    }
}
