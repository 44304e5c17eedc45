using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A lane's share of an operand tile (outer x BK) on its way from global to shared memory: two vectors, held in registers while the
/// previous tile is multiplied. In shared memory a tile is [BK][stride] vectors, outer contiguous, whatever the layout. A vector runs
/// along the operand's contiguous axis, and the second lies half a tile further along the other one.
/// </summary>
public struct OperandTile<T, TElement>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    private F4 v0, v1;

    /// <summary>The lane's first element of the tile that is loaded next.</summary>
    private long at;

    /// <summary>Goes to the first tile along K of the tile row that starts at outer0.</summary>
    public void Start(in OperandView<T> source, long batch, int outer0, int tileOuter, int tileK)
    {
        Place(source, tileOuter, tileK, out int outer, out int k);
        at = batch + (outer0 + outer) * source.OuterStride + k * source.KStride;
    }

    /// <summary>Reads the tile at (outer0, k0), the next along K; elements past the operand's sizes become 0 and are not read.</summary>
    public void Load(in OperandView<T> source, int outer0, int k0, int outers, int ks, int tileOuter, int tileK)
    {
        bool alongK = source.KStride == 1;
        int outerStep = alongK ? tileOuter / 2 : 0;
        int kStep = alongK ? 0 : tileK / 2;
        long second = at + outerStep * source.OuterStride + kStep * source.KStride;
        if (source.IsVector != 0 && outer0 + tileOuter <= outers && k0 + tileK <= ks)
        {
            v0 = TElement.Load4(source.Data, at);
            v1 = TElement.Load4(source.Data, second);
        }
        else
        {
            Place(source, tileOuter, tileK, out int outer, out int k);
            outer += outer0;
            k += k0;
            v0 = LoadCut(source, at, outers - outer, ks - k, alongK);
            v1 = LoadCut(source, second, outers - outer - outerStep, ks - k - kStep, alongK);
        }
        at += tileK * source.KStride;
    }

    /// <summary>Writes the share to shared memory.</summary>
    public readonly void Store(in OperandView<T> source, ArrayView<F4> sTile, int stride, int tileOuter, int tileK)
    {
        Place(source, tileOuter, tileK, out int outer, out int k);
        if (source.KStride == 1)
        {
            ArrayView<float> sColumn = sTile.Floats(4 * k * stride + outer);
            StoreColumn(sColumn, v0, 4 * stride);
            StoreColumn(sColumn.From(tileOuter / 2), v1, 4 * stride);
        }
        else
        {
            ArrayView<F4> sVector = sTile.From(k * stride + outer / 4);
            sVector[0] = v0;
            sVector[tileK / 2 * stride] = v1;
        }
    }

    /// <summary>A vector at the edge, with so many elements left along each axis.</summary>
    private static F4 LoadCut(in OperandView<T> source, long at, int outersLeft, int ksLeft, bool alongK)
    {
        F4 value = default;
        if (outersLeft <= 0 || ksLeft <= 0) return value;
        int room = alongK ? ksLeft : outersLeft;
        long step = alongK ? source.KStride : source.OuterStride;
        if (source.IsVector != 0 && room >= 4) return TElement.Load4(source.Data, at);
        value.X = TElement.Load(source.Data[at]);
        if (room > 1) value.Y = TElement.Load(source.Data[at + step]);
        if (room > 2) value.Z = TElement.Load(source.Data[at + 2 * step]);
        if (room > 3) value.W = TElement.Load(source.Data[at + 3 * step]);
        return value;
    }

    private static void StoreColumn(ArrayView<float> sColumn, F4 value, int stride)
    {
        sColumn[0] = value.X;
        sColumn[stride] = value.Y;
        sColumn[2 * stride] = value.Z;
        sColumn[3 * stride] = value.W;
    }

    /// <summary>
    /// The place of the lane's first vector in the tile: neighbouring lanes read neighbouring memory. Along K a warp takes two vectors of
    /// 16 rows: the 32 bytes of a row are one sector, and its transposing stores, whose rows lie 16 banks apart, meet no bank twice.
    /// </summary>
    private static void Place(in OperandView<T> source, int tileOuter, int tileK, out int outer, out int k)
    {
        int vector = Group.IdxX;
        if (source.KStride == 1)
        {
            int pair = vector / 32;
            int pairsPerRow = tileK / 8;
            outer = 16 * (pair / pairsPerRow) + (vector & 15);
            k = 8 * (pair & (pairsPerRow - 1)) + 4 * ((vector >> 4) & 1);
        }
        else
        {
            k = vector / (tileOuter / 4);
            outer = 4 * (vector & (tileOuter / 4 - 1));
        }
    }
}
