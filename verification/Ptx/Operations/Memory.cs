using System.Runtime.CompilerServices;

namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>Elements as they lie in memory.</summary>
internal static unsafe class Elements
{
    public static ulong Read(byte* at, int bytes) => bytes switch
    {
        1 => *at,
        2 => *(ushort*)at,
        4 => *(uint*)at,
        _ => *(ulong*)at,
    };

    public static void Write(byte* at, int bytes, ulong value)
    {
        switch (bytes)
        {
            case 1:
                *at = (byte)value;
                break;
            case 2:
                *(ushort*)at = (ushort)value;
                break;
            case 4:
                *(uint*)at = (uint)value;
                break;
            default:
                *(ulong*)at = value;
                break;
        }
    }
}

/// <summary>ld.param: the same for all lanes.</summary>
internal sealed class LoadParameter(int d, int offset, int bytes) : Operation
{
    public override unsafe void Execute(Warp warp, uint lanes)
    {
        fixed (byte* parameters = warp.Group.Parameters.Slice(offset, bytes))
        {
            ulong value = Elements.Read(parameters, bytes);
            Span<ulong> to = warp.Values(d);
            for (int lane = 0; lane < Warp.Lanes; lane++)
            {
                if (Has(lanes, lane)) to[lane] = value;
            }
        }
    }
}

/// <summary>ld and st of .global and .shared memory: one element, or two or four beside each other.</summary>
/// <param name="elements">Registers, one an element.</param>
/// <param name="address">A register.</param>
/// <param name="offset">What is added to it.</param>
/// <param name="bytes">Of an element.</param>
/// <param name="isShared">Shared memory, else global.</param>
internal abstract unsafe class Transfer(int[] elements, int address, int offset, int bytes, bool isShared) : Operation
{
    public sealed override void Execute(Warp warp, uint lanes)
    {
        int all = elements.Length * bytes;
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (!Has(lanes, lane)) continue;
            ulong first = Unsafe.Add(ref warp.Register(address), lane) + (ulong)offset;
            byte* at = isShared ? InShared(warp.Group.Shared, first, all, warp.FirstLane + lane) : warp.Group.Global(first, all);
            for (int n = 0; n < elements.Length; n++) Move(at + n * bytes, bytes, ref Unsafe.Add(ref warp.Register(elements[n]), lane));
        }
    }

    protected abstract byte* InShared(SharedMemory memory, ulong first, int count, int lane);

    /// <summary>One element between memory and a lane's register.</summary>
    protected abstract void Move(byte* at, int size, ref ulong register);
}

/// <summary>ld.</summary>
internal sealed unsafe class Load(int[] elements, int address, int offset, int bytes, bool isShared)
    : Transfer(elements, address, offset, bytes, isShared)
{
    protected override byte* InShared(SharedMemory memory, ulong first, int count, int lane) => memory.Read(first, count, lane);

    protected override void Move(byte* at, int size, ref ulong register) => register = Elements.Read(at, size);
}

/// <summary>st.</summary>
internal sealed unsafe class Store(int[] elements, int address, int offset, int bytes, bool isShared)
    : Transfer(elements, address, offset, bytes, isShared)
{
    protected override byte* InShared(SharedMemory memory, ulong first, int count, int lane) => memory.Write(first, count, lane);

    protected override void Move(byte* at, int size, ref ulong register) => Elements.Write(at, size, register);
}

/// <summary>cp.async.cg.shared.global: 16 bytes, of which the first <paramref name="count"/> are read and the others become 0.</summary>
internal sealed unsafe class CopyAsync(int target, int targetOffset, int source, int sourceOffset, int count) : Operation
{
    private const int Size = 16;

    public override void Execute(Warp warp, uint lanes)
    {
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (!Has(lanes, lane)) continue;
            uint read = (uint)Unsafe.Add(ref warp.Register(count), lane);
            if (read > Size) throw new PtxFaultException($"reads {read} of {Size} bytes");
            ulong from = Unsafe.Add(ref warp.Register(source), lane) + (ulong)sourceOffset;
            if (from % Size != 0) throw new PtxFaultException($"reads at 0x{from:x}, which is not aligned to {Size} bytes");
            UInt128 value = 0;
            if (read > 0) Unsafe.CopyBlock(&value, warp.Group.Global(from, Size), read);
            warp.Group.Shared.StartCopy(
                Unsafe.Add(ref warp.Register(target), lane) + (ulong)targetOffset, value, warp.FirstLane + lane);
        }
    }
}

/// <summary>cp.async.commit_group.</summary>
internal sealed class CommitCopies : Operation
{
    public override void Execute(Warp warp, uint lanes)
    {
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (Has(lanes, lane)) warp.Group.Shared.CommitCopies(warp.FirstLane + lane);
        }
    }
}

/// <summary>cp.async.wait_group, or cp.async.wait_all.</summary>
/// <param name="newest">How many of the newest batches need not have arrived; null: wait_all.</param>
internal sealed class WaitForCopies(int? newest) : Operation
{
    public override void Execute(Warp warp, uint lanes)
    {
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (!Has(lanes, lane)) continue;
            if (newest is { } kept) warp.Group.Shared.WaitForBatches(warp.FirstLane + lane, kept);
            else warp.Group.Shared.WaitForCopies(warp.FirstLane + lane);
        }
    }
}
