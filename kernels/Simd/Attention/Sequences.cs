namespace AttnKernels.Simd;

/// <summary>Where the rows of a batch entry lie that shares an axis with the others, or whose keys lie in a ring.</summary>
public unsafe struct SequenceArgs
{
    /// <summary>
    /// (batch + 1) first rows of each entry's queries in Q (1, headsQ, TotalQ, headDim) and O, the last one the end; null: Q is (batch,
    /// ..). Lse is then (1, headsQ, TotalQ).
    /// </summary>
    public int* StartsQ;

    /// <summary>The same of the keys in K (1, headsKv, totalKv, headDim), V and their scales; null: K is (batch, ..).</summary>
    public int* StartsKv;
    public int TotalQ;

    /// <summary>
    /// K and V are rings of seqKv rows, and the key lengths count all keys ever written: the key at position p lies in row p % seqKv. Key j
    /// is the j-th oldest that is still there; the band is about positions.
    /// </summary>
    public bool IsRing;

    internal readonly bool ArePresent => StartsQ != null || StartsKv != null || IsRing;
}

/// <summary>Attention of one batch entry after the other, of their own lengths, as the work items of one run.</summary>
internal unsafe struct Sequences
{
    private int count;

    /// <summary>(count + 1) numbers of items of the entries before.</summary>
    private int* firstItem;
    private Entry* entries;

    public long ScratchBytes { get; private set; }

    public readonly int Items => firstItem[count];

    /// <summary>Bytes of memory that <see cref="Place"/> needs, shared by all items.</summary>
    public static long Bytes(in AttentionArgs args, int tileRows)
    {
        long bytes = TableBytes(args.Batch);
        for (int b = 0; b < args.Batch; b++)
        {
            Entry entry = new(Alone(args, b), tileRows);
            bytes += entry.SharedBytes;
        }

        return bytes;
    }

    public void Place(in AttentionArgs args, int tileRows, byte* memory)
    {
        count = args.Batch;
        firstItem = (int*)memory;
        entries = (Entry*)(memory + sizeof(int) * Scratch.Align(args.Batch + 1));
        memory += TableBytes(args.Batch);
        firstItem[0] = 0;
        for (int b = 0; b < count; b++)
        {
            entries[b] = new Entry(Alone(args, b), tileRows);
            memory = entries[b].Place(memory);
            firstItem[b + 1] = checked(firstItem[b] + entries[b].Items);
            ScratchBytes = Math.Max(ScratchBytes, entries[b].ScratchBytes);
        }
    }

    /// <summary>Work item of any entry: that of the entry's own plan.</summary>
    public static void Item<W, V, E>(void* shared, int item, byte* memory)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        Sequences* all = (Sequences*)shared;
        int b = new ReadOnlySpan<int>(all->firstItem, all->count + 1).BinarySearch(item);
        if (b < 0) b = ~b - 1;
        while (all->firstItem[b + 1] == item) b++; // entries without items
        Entry* entry = all->entries + b;
        item -= all->firstItem[b];
        if (entry->IsDecode) entry->Decode.Item<W, V, E>()(&entry->Decode, item, memory);
        else FlashForward<W, V, E>.Item(&entry->Flash, item, memory);
    }

    private static long TableBytes(int batch) =>
        sizeof(int) * Scratch.Align(batch + 1) + sizeof(int) * Scratch.Align((long)batch * sizeof(Entry) / sizeof(int) + 1);

    /// <summary>Batch entry <paramref name="b"/> by itself.</summary>
    public static AttentionArgs Alone(in AttentionArgs args, int b)
    {
        AttentionArgs one = args;
        ref readonly SequenceArgs sequences = ref args.Sequences;
        int rowQ = sequences.StartsQ == null ? 0 : sequences.StartsQ[b];
        int rowKv = sequences.StartsKv == null ? 0 : sequences.StartsKv[b];
        one.Batch = 1;
        one.Q = Moved(args.Q, args.Type, sequences.StartsQ == null ? b : 0, rowQ);
        one.O = Moved(args.O, args.Type, sequences.StartsQ == null ? b : 0, rowQ);
        if (sequences.StartsQ != null) one.SeqQ = sequences.StartsQ[b + 1] - rowQ;
        if (sequences.StartsKv != null) one.SeqKv = sequences.StartsKv[b + 1] - rowKv;
        if (args.Lse != null) one.Lse = args.Lse + (sequences.StartsQ == null ? (long)b * args.HeadsQ * args.SeqQ : rowQ);

        if (args.Keys.BlockTable != null)
        {
            one.Keys.BlockTable = args.Keys.BlockTable + b * args.Keys.TableStride;
        }
        else
        {
            int batch = sequences.StartsKv == null ? b : 0;
            one.K = Moved(args.K, args.Keys.Type, batch, rowKv);
            one.V = Moved(args.V, args.Keys.Type, batch, rowKv);
            one.Keys.KScales = Moved(args.Keys.KScales, DType.Float32, batch, rowKv);
            one.Keys.VScales = Moved(args.Keys.VScales, DType.Float32, batch, rowKv);
        }

        ref readonly VectorArgs vectors = ref args.Vectors;
        if (vectors.PositionsQ != null) one.Vectors.PositionsQ += sequences.StartsQ == null ? b * vectors.PositionsQStride : rowQ;
        if (vectors.PositionsKv != null) one.Vectors.PositionsKv += sequences.StartsKv == null ? b * vectors.PositionsKvStride : rowKv;
        one.Score = args.Score.OfBatch(b);
        if (args.Score.KeyLengths == null) return one;
        int written = Math.Max(0, args.Score.KeyLengths[b]);
        one.SeqKv = Math.Min(one.SeqKv, written);
        if (!sequences.IsRing) return one;
        int oldest = written - one.SeqKv;
        one.Keys.RingRows = args.SeqKv;
        one.Keys.RingFirst = oldest % args.SeqKv;
        one.Score.Band = args.Score.Band.From(oldest);
        one.Vectors.FirstPosition = oldest;
        return one;
    }

    private static HeadTensor Moved(HeadTensor tensor, DType type, int batch, int row)
    {
        if (tensor.Data != null) tensor.Data = (byte*)tensor.Data + type.Size() * (batch * tensor.BatchStride + row * tensor.RowStride);
        return tensor;
    }

    /// <summary>
    /// The plan of one entry: what it would be if the entry were a call of its own, so that its results have the same bits.
    /// </summary>
    private struct Entry
    {
        public AttentionPlan Flash;
        public DecodePlan Decode;
        public bool IsDecode;

        public Entry(in AttentionArgs args, int tileRows)
        {
            IsDecode = DecodePlan.Fits(args);
            if (IsDecode) Decode = new DecodePlan(args);
            else Flash = new AttentionPlan(args, tileRows);
        }

        public readonly int Items => IsDecode ? (Decode.Rows == 0 ? 0 : Decode.Items) : Flash.Items;

        public readonly long SharedBytes => IsDecode ? Decode.SharedBytes : 0;

        public readonly long ScratchBytes => IsDecode ? Decode.ScratchBytes : Flash.ScratchBytes;

        /// <summary>Takes its shared memory; returns where the next entry's begins.</summary>
        public byte* Place(byte* memory)
        {
            if (IsDecode) Decode.Place(memory);
            return memory + SharedBytes;
        }
    }
}
