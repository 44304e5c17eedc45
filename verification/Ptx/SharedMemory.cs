using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AttnKernels.Verification.Ptx;

/// <summary>
/// A group's shared memory, which knows for each 32-bit word who wrote and read it since the last barrier. Faults: two lanes meet at a word
/// with no barrier between them and one of them writes; a word is read that nobody wrote; a copy is used before it was waited for.
/// </summary>
internal sealed unsafe class SharedMemory
{
    /// <summary>In place of a lane: several read at once.</summary>
    public const int ManyLanes = -1;

    private const int WordBytes = 4;
    private const string UnawaitedCopy = "a copy that was not waited for";

    private readonly byte[] bytes;
    private readonly Word[] words;
    private readonly Queue<Copy>[] copies;
    private readonly int[] batches;
    private int epoch;
    private int start;

    public SharedMemory(int size, int lanes)
    {
        bytes = GC.AllocateArray<byte>(size, pinned: true);
        words = new Word[(size + WordBytes - 1) / WordBytes];
        copies = new Queue<Copy>[lanes];
        for (int lane = 0; lane < lanes; lane++) copies[lane] = new Queue<Copy>();
        batches = new int[lanes];
    }

    /// <summary>A group begins: nothing is written.</summary>
    public void Start()
    {
        start = ++epoch;
        bytes.AsSpan().Fill(0xFF);
        foreach (Queue<Copy> queue in copies)
        {
            while (queue.TryDequeue(out Copy copy)) Pending(copy.Address, false);
        }
        Array.Clear(batches);
    }

    /// <summary>What happened so far is visible to all lanes.</summary>
    public void PassBarrier() => epoch++;

    public byte* Read(ulong address, int count, int lane)
    {
        Require(address, count);
        for (int at = (int)address / WordBytes; at <= ((int)address + count - 1) / WordBytes; at++)
        {
            ref Word word = ref words[at];
            if (word.IsPending) throw new PtxFaultException($"reads shared byte {at * WordBytes}, which is filled by {UnawaitedCopy}");
            if (word.WriteEpoch < start) throw new PtxFaultException($"reads shared byte {at * WordBytes}, which nobody has written");
            if (word.WriteEpoch == epoch && word.Writer != lane) throw Race(at, $"{Name(lane)} reads what lane {word.Writer} wrote");
            word.Reader = word.ReadEpoch != epoch || word.Reader == lane ? lane : ManyLanes;
            word.ReadEpoch = epoch;
        }
        return (byte*)Unsafe.AsPointer(ref bytes[(int)address]);
    }

    public byte* Write(ulong address, int count, int lane)
    {
        Require(address, count);
        for (int at = (int)address / WordBytes; at <= ((int)address + count - 1) / WordBytes; at++)
        {
            ref Word word = ref words[at];
            if (word.IsPending) throw new PtxFaultException($"writes shared byte {at * WordBytes}, which is filled by {UnawaitedCopy}");
            if (word.WriteEpoch == epoch && word.Writer != lane) throw Race(at, $"lane {lane} writes what lane {word.Writer} wrote");
            if (word.ReadEpoch == epoch && word.Reader != lane)
                throw Race(at, $"lane {lane} writes what {Name(word.Reader)} read");
            word.Writer = lane;
            word.WriteEpoch = epoch;
        }
        return (byte*)Unsafe.AsPointer(ref bytes[(int)address]);
    }

    /// <summary>A lane's copy of 16 bytes is under way: what was there is lost, what comes is not there yet.</summary>
    public void StartCopy(ulong address, UInt128 value, int lane)
    {
        Write(address, sizeof(UInt128), lane);
        Pending(address, true);
        copies[lane].Enqueue(new Copy(address, value, batches[lane]));
    }

    /// <summary>Closes the batch of the copies that a lane has started.</summary>
    public void CommitCopies(int lane) => batches[lane]++;

    /// <summary>A lane's closed batches have arrived, except the newest <paramref name="newest"/>.</summary>
    public void WaitForBatches(int lane, int newest) => Deliver(lane, batches[lane] - newest);

    /// <summary>All of a lane's copies have arrived.</summary>
    public void WaitForCopies(int lane) => Deliver(lane, int.MaxValue);

    private void Deliver(int lane, int end)
    {
        while (copies[lane].TryPeek(out Copy copy) && copy.Batch < end)
        {
            copies[lane].Dequeue();
            Pending(copy.Address, false);
            *(UInt128*)Write(copy.Address, sizeof(UInt128), lane) = copy.Value;
        }
    }

    private void Pending(ulong address, bool isPending)
    {
        for (int at = (int)address / WordBytes; at < (int)address / WordBytes + sizeof(UInt128) / WordBytes; at++)
            words[at].IsPending = isPending;
    }

    private void Require(ulong address, int count)
    {
        if (address % (uint)count != 0)
            throw new PtxFaultException($"accesses {count} bytes at shared byte {address}, which is not aligned to them");
        if (address > (ulong)bytes.Length || (ulong)bytes.Length - address < (uint)count)
            throw new PtxFaultException($"accesses {count} bytes at shared byte {address}; the group has {bytes.Length}");
    }

    private static string Name(int lane) => lane == ManyLanes ? "another lane" : $"lane {lane}";

    private static PtxFaultException Race(int word, string what) =>
        new($"race at shared byte {word * WordBytes}: {what} since the last barrier");

    private readonly record struct Copy(ulong Address, UInt128 Value, int Batch);

    [StructLayout(LayoutKind.Auto)]
    private struct Word
    {
        public int Writer;
        public int WriteEpoch;
        public int Reader;
        public int ReadEpoch;
        public bool IsPending;
    }
}
