using ILGPU;
using ILGPU.IR.Intrinsics;

namespace AttnKernels.Kernels;

/// <summary>
/// A warp's matrix instructions and asynchronous copies (NVIDIA, compute capability 8.0 and newer). All 32 lanes of a warp call them
/// together, except the copies. The device turns each call into the PTX instruction that its summary names; the simulator computes it.
/// Kernels that use this say so in their table entry, and no other device compiles them.
/// </summary>
/// <remarks>Fragments, with lane = 4 r + t: A holds rows r and r + 8, columns 2t and 2t + 8; B rows 2t and 2t + 8, column r; C (an
/// <see cref="F4"/>) row r in X and Y, row r + 8 in Z and W, columns 2t and 2t + 1 (PTX ISA, mma.m16n8k16). Of TF32, 8 deep, A holds
/// (r, t), (r + 8, t), (r, t + 4), (r + 8, t + 4), and B (t, r), (t + 4, r) (PTX ISA, mma.m16n8k8).</remarks>
public static class TensorCore
{
    /// <summary>C + A B of fp16 operands: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32.</summary>
    [IntrinsicImplementation]
    public static F4 MultiplyFloat16(F4 c, U4 a, uint b0, uint b1) => Multiply(c, a, b0, b1, isBFloat16: false);

    /// <summary>C + A B of bf16 operands: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32.</summary>
    [IntrinsicImplementation]
    public static F4 MultiplyBFloat16(F4 c, U4 a, uint b0, uint b1) => Multiply(c, a, b0, b1, isBFloat16: true);

    /// <summary>
    /// C + A B of TF32 operands, floats of which the upper 19 bits are read: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32.
    /// </summary>
    [IntrinsicImplementation]
    public static F4 MultiplyTf32(F4 c, U4 a, uint b0, uint b1)
    {
#if KERNEL_API_SIMULATOR
        Span<float> sum = [c.X, c.Y, c.Z, c.W];
        WarpMatrix.MultiplyAddTf32(sum, [a.X, a.Y, a.Z, a.W], [b0, b1]);
        return new F4(sum[0], sum[1], sum[2], sum[3]);
#else
        return c;
#endif
    }

    /// <summary>Two floats as fp16, the first in the low half: cvt.rn.f16x2.f32.</summary>
    [IntrinsicImplementation]
    public static uint PackFloat16(float low, float high) => Float16Element.Store(low) | (uint)Float16Element.Store(high) << 16;

    /// <summary>Two floats as bf16, the first in the low half: cvt.rn.bf16x2.f32.</summary>
    [IntrinsicImplementation]
    public static uint PackBFloat16(float low, float high) => BFloat16Element.Store(low) | (uint)BFloat16Element.Store(high) << 16;

    /// <summary>
    /// Four 8 x 8 matrices of 16-bit elements: lane 8 m + r names row r of matrix m, and register m of lane 4 r + t receives elements 2t
    /// and 2t + 1 of that row. ldmatrix.sync.aligned.m8n8.x4.shared.b16.
    /// </summary>
    public static U4 LoadMatrices(ArrayView<U4> sRows, int index) =>
#if KERNEL_API_SIMULATOR
        Load4(sRows, index, transposes: false);
#else
        LoadMatrices(ref sRows[index]);
#endif

    /// <summary>The same with every matrix transposed: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16.</summary>
    public static U4 LoadTransposed(ArrayView<U4> sRows, int index) =>
#if KERNEL_API_SIMULATOR
        Load4(sRows, index, transposes: true);
#else
        LoadTransposed(ref sRows[index]);
#endif

    /// <summary>
    /// Two matrices as <see cref="LoadMatrices(ArrayView{U4}, int)"/> loads four, named by lanes 0 to 15; the other lanes' indices are
    /// not looked at. ldmatrix.sync.aligned.m8n8.x2.shared.b16.
    /// </summary>
    public static U2 LoadTwoMatrices(ArrayView<U4> sRows, int index) =>
#if KERNEL_API_SIMULATOR
        Load2(sRows, index, transposes: false);
#else
        LoadTwoMatrices(ref sRows[index]);
#endif

    /// <summary>The same with both transposed: ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16.</summary>
    public static U2 LoadTwoTransposed(ArrayView<U4> sRows, int index) =>
#if KERNEL_API_SIMULATOR
        Load2(sRows, index, transposes: true);
#else
        LoadTwoTransposed(ref sRows[index]);
#endif

    /// <summary>One matrix, named by lanes 0 to 7: ldmatrix.sync.aligned.m8n8.x1.shared.b16.</summary>
    public static uint LoadMatrix(ArrayView<U4> sRows, int index) =>
#if KERNEL_API_SIMULATOR
        Load1(sRows, index, transposes: false);
#else
        LoadMatrix(ref sRows[index]);
#endif

    /// <summary>The same, transposed: ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16.</summary>
    public static uint LoadOneTransposed(ArrayView<U4> sRows, int index) =>
#if KERNEL_API_SIMULATOR
        Load1(sRows, index, transposes: true);
#else
        LoadOneTransposed(ref sRows[index]);
#endif

    /// <summary>
    /// Starts a copy of 16 bytes into shared memory, past the registers and the first-level cache: cp.async.cg.shared.global. With
    /// <paramref name="isRead"/> 0 nothing is read and zeros arrive; the source's index must be one that could be read all the same.
    /// </summary>
    public static void CopyAsync(ArrayView<U4> sTarget, int targetIndex, ArrayView<U4> source, long sourceIndex, int isRead) =>
#if KERNEL_API_SIMULATOR
        WarpMatrix.CopyAsync(sTarget, targetIndex, source, sourceIndex, isRead != 0);
#else
        CopyAsync(ref sTarget[targetIndex], ref source[sourceIndex], 16 * isRead);
#endif

#if KERNEL_API_SIMULATOR
    /// <summary>The calling lane's copies have arrived; a barrier then shows them to the others: cp.async.wait_all.</summary>
    public static void WaitForCopies() => WarpMatrix.WaitForCopies();

    /// <summary>
    /// Closes a batch of copies, of all that the lane started since the last one; there may be none: cp.async.commit_group.
    /// </summary>
    public static void CommitCopies() => WarpMatrix.CommitCopies();

    /// <summary>The calling lane's batches but the newest have arrived: cp.async.wait_group 1.</summary>
    public static void WaitForOlderCopies() => WarpMatrix.WaitForOlderCopies();

    private static F4 Multiply(F4 c, U4 a, uint b0, uint b1, bool isBFloat16)
    {
        Span<float> sum = [c.X, c.Y, c.Z, c.W];
        WarpMatrix.MultiplyAdd(sum, [a.X, a.Y, a.Z, a.W], [b0, b1], isBFloat16);
        return new F4(sum[0], sum[1], sum[2], sum[3]);
    }

    private static U4 Load4(ArrayView<U4> sRows, int index, bool transposes)
    {
        Span<uint> registers = stackalloc uint[4];
        WarpMatrix.Load(registers, sRows, index, transposes);
        return new U4(registers[0], registers[1], registers[2], registers[3]);
    }

    private static U2 Load2(ArrayView<U4> sRows, int index, bool transposes)
    {
        Span<uint> registers = stackalloc uint[2];
        WarpMatrix.Load(registers, sRows, index, transposes);
        return new U2(registers[0], registers[1]);
    }

    private static uint Load1(ArrayView<U4> sRows, int index, bool transposes)
    {
        Span<uint> register = stackalloc uint[1];
        WarpMatrix.Load(register, sRows, index, transposes);
        return register[0];
    }
#else
    /// <summary>The calling lane's copies have arrived; a barrier then shows them to the others: cp.async.wait_all.</summary>
    [IntrinsicImplementation]
    public static void WaitForCopies()
    {
    }

    /// <summary>
    /// Closes a batch of copies, of all that the lane started since the last one; there may be none: cp.async.commit_group.
    /// </summary>
    [IntrinsicImplementation]
    public static void CommitCopies()
    {
    }

    /// <summary>The calling lane's batches but the newest have arrived: cp.async.wait_group 1.</summary>
    [IntrinsicImplementation]
    public static void WaitForOlderCopies()
    {
    }

    // Bodies that no device compiles: the PTX backend writes the instruction instead.
    [IntrinsicImplementation]
    internal static U4 LoadMatrices(ref U4 sRow) => sRow;

    [IntrinsicImplementation]
    internal static U4 LoadTransposed(ref U4 sRow) => sRow;

    [IntrinsicImplementation]
    internal static U2 LoadTwoMatrices(ref U4 sRow) => new(sRow.X, sRow.Y);

    [IntrinsicImplementation]
    internal static U2 LoadTwoTransposed(ref U4 sRow) => new(sRow.X, sRow.Y);

    [IntrinsicImplementation]
    internal static uint LoadMatrix(ref U4 sRow) => sRow.X;

    [IntrinsicImplementation]
    internal static uint LoadOneTransposed(ref U4 sRow) => sRow.X;

    [IntrinsicImplementation]
    internal static void CopyAsync(ref U4 sTarget, ref U4 source, int sourceBytes) => sTarget = source;

    private static F4 Multiply(F4 c, U4 a, uint b0, uint b1, bool isBFloat16) => c;
#endif
}
