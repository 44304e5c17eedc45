using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Cache[b, h, r, 0] = Update[b, h, r, 0] for elements of T's size, square by square: where neighbours along h lie side by side in one
/// tensor and neighbours along r in the other, the cache lines of a square's both sides are used whole before they are replaced.
/// </summary>
internal static unsafe class ElementSquares<T>
    where T : unmanaged
{
    /// <summary>Elements of fp32 in a cache line; of 8-way caches few lines are lost where strides are powers of two.</summary>
    private const int Side = 16;

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

    private static void Square(T* source, T* target, int rows, int heads, in HeadTensor from, in HeadTensor to)
    {
        (long fromHead, long fromRow, long toHead, long toRow) = (from.HeadStride, from.RowStride, to.HeadStride, to.RowStride);
        for (int r = 0; r < rows; r++)
        {
            T* x = source + r * fromRow;
            T* y = target + r * toRow;
            for (int h = 0; h < heads; h++, x += fromHead, y += toHead) *y = *x;
        }
    }
}
