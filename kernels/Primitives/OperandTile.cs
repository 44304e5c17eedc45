using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A lane's share of an operand tile (outer x BK) on its way from global to shared memory: two vectors, held in registers while the
/// previous tile is multiplied. In shared memory a tile is [BK][stride], outer contiguous, whatever the operand's layout.
/// </summary>
public struct OperandTile<T, TElement>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    private F4 v0, v1;

    /// <summary>Reads the tile that starts at (outer0, k0); elements past the operand's sizes become 0 and are not read.</summary>
    public void Load(in OperandView<T> source, long batch, int outer0, int k0, int outers, int ks, int tileOuter, int tileK)
    {
        v0 = LoadVector(source, batch, Group.IdxX, outer0, k0, outers, ks, tileOuter, tileK);
        v1 = LoadVector(source, batch, Group.IdxX + Group.DimX, outer0, k0, outers, ks, tileOuter, tileK);
    }

    /// <summary>Writes the share to shared memory, the tile of which starts at <paramref name="offset"/>.</summary>
    public readonly void Store(in OperandView<T> source, ArrayView<float> sTile, int offset, int stride, int tileOuter, int tileK)
    {
        StoreVector(source, v0, Group.IdxX, sTile, offset, stride, tileOuter, tileK);
        StoreVector(source, v1, Group.IdxX + Group.DimX, sTile, offset, stride, tileOuter, tileK);
    }

    private static F4 LoadVector(
        in OperandView<T> source, long batch, int vector, int outer0, int k0, int outers, int ks, int tileOuter, int tileK)
    {
        Place(source, vector, tileOuter, tileK, out int outer, out int k);
        outer += outer0;
        k += k0;
        F4 value = default;
        if (outer >= outers || k >= ks) return value;

        // The vector runs along k, or along the outer axis where that one is contiguous.
        bool alongK = source.KStride == 1;
        int room = alongK ? ks - k : outers - outer;
        long step = alongK ? source.KStride : source.OuterStride;
        long at = batch + outer * source.OuterStride + k * source.KStride;
        if (source.IsVector != 0 && room >= 4) return TElement.Load4(source.Data, at);
        value.X = TElement.Load(source.Data[at]);
        if (room > 1) value.Y = TElement.Load(source.Data[at + step]);
        if (room > 2) value.Z = TElement.Load(source.Data[at + 2 * step]);
        if (room > 3) value.W = TElement.Load(source.Data[at + 3 * step]);
        return value;
    }

    private static void StoreVector(
        in OperandView<T> source, F4 value, int vector, ArrayView<float> sTile, int offset, int stride, int tileOuter, int tileK)
    {
        Place(source, vector, tileOuter, tileK, out int outer, out int k);
        int at = offset + k * stride + outer;
        if (source.KStride != 1)
        {
            sTile.StoreF4(at, value);
            return;
        }
        sTile[at] = value.X;
        sTile[at + stride] = value.Y;
        sTile[at + 2 * stride] = value.Z;
        sTile[at + 3 * stride] = value.W;
    }

    /// <summary>
    /// The place of a vector in the tile: neighbouring lanes read neighbouring memory. Along K a warp takes two vectors of 16 rows: the 32 bytes of a
    /// row are one sector, and its transposing stores, whose rows lie 16 banks apart, meet no bank twice.
    /// </summary>
    private static void Place(in OperandView<T> source, int vector, int tileOuter, int tileK, out int outer, out int k)
    {
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
