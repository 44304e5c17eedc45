using System.Runtime.InteropServices;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using AttnKernels.Verification.Ptx;
using ILGPU;

namespace AttnKernels.Tests.Ptx;

/// <summary>Intrinsics that no kernel of the library needs, from C# to what their PTX does.</summary>
public sealed class IntrinsicTests
{
    private const int Lanes = 32;

    /// <summary>What a lane stores: of one matrix, of one transposed, two registers each of two matrices, of two transposed.</summary>
    private const int Words = 6;

    [Fact]
    public void OneAndTwoMatricesAreLoadedAsFragments()
    {
        PtxCompiler compiler = new();
        KernelEntry<Matrices> entry = new("load matrices", Load, Lanes, Lanes * 16);
        PtxDevice memory = new(compiler.Compile);
        using AttentionDevice device = new(memory);
        using DeviceBuffer rows = memory.Allocate(Lanes * 16), loaded = memory.Allocate(Lanes * Words * sizeof(uint));
        // Element e of row l is 8 l + e.
        ushort[] elements = [.. Enumerable.Range(0, Lanes * 8).Select(n => (ushort)n)];
        memory.Upload(memory.DefaultStream, MemoryMarshal.AsBytes<ushort>(elements), rows, 0);
        memory.Load(entry).Launch(
            device.DefaultStream, 1, new Matrices { Rows = memory.View<U4>(rows), Loaded = memory.View<uint>(loaded) });
        uint[] got = new uint[Lanes * Words];
        memory.Download(memory.DefaultStream, loaded, 0, MemoryMarshal.AsBytes(got.AsSpan()));

        uint[] expected = [.. Enumerable.Range(0, Lanes).SelectMany(lane =>
        {
            (int r, int t) = (lane / 4, lane % 4 * 2);
            return (uint[])
            [
                Pair(32 * r + t, 1), Pair(32 * t + r, 32),
                Pair(16 * r + t, 1), Pair(128 + 16 * r + t, 1), Pair(16 * t + r, 16), Pair(128 + 16 * t + r, 16),
            ];
        })];
        got.Should().Equal(expected);

        static uint Pair(int first, int step) => (uint)(first | (first + step) << 16);
    }

    /// <summary>Every second row as two matrices, every fourth as one: lanes past the last matrix name rows that are not there.</summary>
    private static void Load(Matrices args)
    {
        ArrayView<U4> sRows = ILGPU.SharedMemory.Allocate<U4>(Lanes);
        int lane = Group.IdxX;
        sRows[lane] = args.Rows[lane];
        Group.Barrier();
        U2 two = TensorCore.LoadTwoMatrices(sRows, 2 * lane);
        U2 transposed = TensorCore.LoadTwoTransposed(sRows, 2 * lane);
        int at = Words * lane;
        args.Loaded[at] = TensorCore.LoadMatrix(sRows, 4 * lane);
        args.Loaded[at + 1] = TensorCore.LoadOneTransposed(sRows, 4 * lane);
        args.Loaded[at + 2] = two.X;
        args.Loaded[at + 3] = two.Y;
        args.Loaded[at + 4] = transposed.X;
        args.Loaded[at + 5] = transposed.Y;
    }

    private struct Matrices
    {
        public ArrayView<U4> Rows;
        public ArrayView<uint> Loaded;
    }
}
