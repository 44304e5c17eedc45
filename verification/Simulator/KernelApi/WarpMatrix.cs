using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU;

/// <summary>
/// What an NVIDIA warp's matrix instructions compute (PTX ISA 7.8, section 9.7.13), lane by lane, and its asynchronous copies to shared
/// memory. Fragments are plain 32-bit registers; the kernels give them types.
/// </summary>
public static unsafe class WarpMatrix
{
    /// <summary>
    /// mma.sync.m16n8k16: c[4] += A B with A (16 x 16) in a[4] and B (16 x 8) in b[2], two 16-bit elements a register, fp16 or bf16. Each
    /// element of C adds its products, which are exact, in the order of k and rounds each sum to the nearest float.
    /// </summary>
    public static void MultiplyAdd(
        Span<float> c, ReadOnlySpan<uint> a, ReadOnlySpan<uint> b, bool isBFloat16, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if (isBFloat16) MultiplyAdd<BFloat16Pair>(c, a, b, file, line);
        else MultiplyAdd<HalfPair>(c, a, b, file, line);
    }

    /// <summary>
    /// mma.sync.m16n8k8 of TF32: c[4] += A B with A (16 x 8) in a[4] and B (8 x 8) in b[2], a float a register, of which the upper 19 bits
    /// are read and the others ignored. Sums as of 16-bit elements.
    /// </summary>
    public static void MultiplyAddTf32(
        Span<float> c, ReadOnlySpan<uint> a, ReadOnlySpan<uint> b, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        MultiplyAdd<Tf32Single>(c, a, b, file, line);

    /// <summary>
    /// With n elements a register and h = 4 n: lane 4 r + t holds A[r][n t ..] in a0, A[r + 8] in a1, A[r][n t + h ..] in a2 and
    /// A[r + 8][n t + h ..] in a3; lane 4 c + t holds B[n t ..][c] in b0 and B[n t + h ..][c] in b1.
    /// </summary>
    private static void MultiplyAdd<TRegister>(Span<float> c, ReadOnlySpan<uint> a, ReadOnlySpan<uint> b, string file, int line)
        where TRegister : IRegister
    {
        Lane lane = Lane.Here;
        Operands mine = new(a[0], a[1], a[2], a[3], b[0], b[1]);
        WarpValues<Operands> all = WarpCollective.Exchange(lane, mine, file, line);
        int row = lane.LaneInWarp / 4;
        int column = lane.LaneInWarp % 4 * 2;
        int half = 4 * TRegister.Elements;
        for (int i = 0; i < 4; i++)
        {
            float sum = c[i];
            for (int k = 0; k < 2 * half; k++)
            {
                int t = k % half / TRegister.Elements;
                Operands left = all[4 * row + t];
                Operands right = all[4 * (column + i % 2) + t];
                uint p = k < half ? (i < 2 ? left.A0 : left.A1) : (i < 2 ? left.A2 : left.A3);
                sum += TRegister.Read(p, k) * TRegister.Read(k < half ? right.B0 : right.B1, k);
            }
            c[i] = sum;
        }
    }

    /// <summary>
    /// ldmatrix.x1, x2 or x4, as there are registers: 8 x 8 matrices of 16-bit elements. Lane 8 m + r names row r of matrix m, 16 bytes at
    /// <paramref name="index"/>, and lanes past the last matrix name nothing; register m of lane 4 r + t receives elements 2t and 2t + 1 of
    /// row r of matrix m, or of column r where the load transposes.
    /// </summary>
    public static void Load<T>(
        Span<uint> registers, ArrayView<T> rows, int index, bool transposes, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        Lane lane = Lane.Here;
        UInt128 row = lane.LaneInWarp < 8 * registers.Length ? Unsafe.BitCast<T, UInt128>(rows[index, file, line]) : default;
        WarpValues<UInt128> all = WarpCollective.Exchange(lane, row, file, line);
        int r = lane.LaneInWarp / 4;
        int t = lane.LaneInWarp % 4 * 2;
        for (int m = 0; m < registers.Length; m++)
        {
            uint low = transposes ? Element(all[8 * m + t], r) : Element(all[8 * m + r], t);
            uint high = transposes ? Element(all[8 * m + t + 1], r) : Element(all[8 * m + r], t + 1);
            registers[m] = low | high << 16;
        }
    }

    /// <summary>
    /// cp.async of 16 bytes, or of none and zeros where <paramref name="isRead"/> is false. The bytes are there after
    /// <see cref="WaitForCopies"/> of the same lane, and for other lanes after a barrier behind that.
    /// </summary>
    public static void CopyAsync<T>(
        ArrayView<T> target, int targetIndex, ArrayView<T> source, long sourceIndex, bool isRead, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        UInt128 value = isRead ? Unsafe.BitCast<T, UInt128>(source[sourceIndex, file, line]) : UInt128.Zero;
        if ((uint)targetIndex >= target.Length)
        {
            target[targetIndex, file, line] = default;
            return;
        }
        Lane lane = Lane.Here;
        lane.Runner.Copies.Start(lane, target.Start + (long)targetIndex * sizeof(T), target.Region, value, new Site(file, line));
    }

    /// <summary>cp.async.wait_all: the lane's copies have arrived.</summary>
    public static void WaitForCopies() => Lane.Here.Runner.Copies.Wait(Lane.Here);

    /// <summary>cp.async.commit_group: the lane's copies since the last one are a batch.</summary>
    public static void CommitCopies() => Lane.Here.Runner.Copies.Commit(Lane.Here);

    /// <summary>cp.async.wait_group 1: the lane's batches but the newest have arrived.</summary>
    public static void WaitForOlderCopies() => Lane.Here.Runner.Copies.WaitForOlder(Lane.Here);

    private static uint Element(UInt128 row, int index) => (ushort)(row >> (16 * index));

    private static ushort Half16(uint pair, int k) => (ushort)(pair >> (16 * (k & 1)));

    private readonly record struct Operands(uint A0, uint A1, uint A2, uint A3, uint B0, uint B1);

    /// <summary>What a 32-bit register of an operand holds.</summary>
    private interface IRegister
    {
        static abstract int Elements { get; }

        /// <summary>The element of place <paramref name="k"/> along the sum.</summary>
        static abstract float Read(uint register, int k);
    }

    private readonly struct HalfPair : IRegister
    {
        public static int Elements => 2;

        public static float Read(uint register, int k) => (float)BitConverter.UInt16BitsToHalf(Half16(register, k));
    }

    private readonly struct BFloat16Pair : IRegister
    {
        public static int Elements => 2;

        public static float Read(uint register, int k) => BitConverter.UInt32BitsToSingle((uint)Half16(register, k) << 16);
    }

    private readonly struct Tf32Single : IRegister
    {
        public static int Elements => 1;

        public static float Read(uint register, int k) => BitConverter.UInt32BitsToSingle(register & ~0x1FFFu);
    }
}
