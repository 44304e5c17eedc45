using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>Turns the rows of one head.</summary>
internal static unsafe class RotaryHead<W, V, E, EAngle>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
    where EAngle : struct, IElement
{
    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly RotaryArgs args = ref Unsafe.AsRef<RotaryArgs>(shared);
        int b = item / args.Heads;
        int h = item % args.Heads;
        for (int s = 0; s < args.Seq; s++)
        {
            byte* x = (byte*)args.X.Data + E.Size * (b * args.X.BatchStride + h * args.X.HeadStride + s * args.X.RowStride);
            byte* y = (byte*)args.Y.Data + E.Size * (b * args.Y.BatchStride + h * args.Y.HeadStride + s * args.Y.RowStride);
            long row = args.Positions == null ? s : args.Positions[(long)b * args.Seq + s];
            byte* cos = (byte*)args.Cos.Data + EAngle.Size * (b * args.Cos.BatchStride + row * args.Cos.RowStride);
            byte* sin = (byte*)args.Sin.Data + EAngle.Size * (b * args.Sin.BatchStride + row * args.Sin.RowStride);
            Turn(x, y, cos, sin, args.RotaryDim / 2, args.Interleaved);

            int copied = (args.HeadDim - args.RotaryDim) * E.Size;
            int from = args.RotaryDim * E.Size;
            if (x != y) Buffer.MemoryCopy(x + from, y + from, copied, copied);
        }
    }

    /// <summary>The turning part of a row; x and y may be the same.</summary>
    public static void Turn(byte* x, byte* y, byte* cos, byte* sin, int pairs, bool interleaved)
    {
        if (interleaved) TurnNeighbours(x, y, cos, sin, pairs);
        else TurnHalves(x, y, cos, sin, pairs);
    }

    /// <summary>Pairs (k, k + pairs), a vector of pairs at a time.</summary>
    private static void TurnHalves(byte* x, byte* y, byte* cos, byte* sin, int pairs)
    {
        int half = pairs * E.Size;
        int k = 0;
        for (; k <= pairs - W.Count; k += W.Count)
        {
            int at = k * E.Size;
            V a = E.Load<W, V>(x + at);
            V b = E.Load<W, V>(x + half + at);
            V c = EAngle.Load<W, V>(cos + k * EAngle.Size);
            V s = EAngle.Load<W, V>(sin + k * EAngle.Size);
            E.Store<W, V>(y + at, W.Subtract(W.Multiply(a, c), W.Multiply(b, s)));
            E.Store<W, V>(y + half + at, W.Add(W.Multiply(b, c), W.Multiply(a, s)));
        }
        for (; k < pairs; k++) Turn(x, y, cos, sin, k, k, k + pairs);
    }

    /// <summary>Pairs (2k, 2k + 1).</summary>
    private static void TurnNeighbours(byte* x, byte* y, byte* cos, byte* sin, int pairs)
    {
        for (int k = 0; k < pairs; k++) Turn(x, y, cos, sin, k, 2 * k, 2 * k + 1);
    }

    private static void Turn(byte* x, byte* y, byte* cos, byte* sin, int k, int first, int second)
    {
        float a = E.Load<Width1, float>(x + first * E.Size);
        float b = E.Load<Width1, float>(x + second * E.Size);
        float c = EAngle.Load<Width1, float>(cos + k * EAngle.Size);
        float s = EAngle.Load<Width1, float>(sin + k * EAngle.Size);
        E.Store<Width1, float>(y + first * E.Size, a * c - b * s);
        E.Store<Width1, float>(y + second * E.Size, b * c + a * s);
    }
}
