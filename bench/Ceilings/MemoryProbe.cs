using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Measure;

namespace AttnKernels.Bench.Ceilings;

/// <summary>
/// The rates at which memory is read, and copied with stores that pass the caches by (bytes read + bytes written), over a buffer several
/// times the last-level cache: the ceilings of the kernels that wait for memory.
/// </summary>
internal sealed unsafe class MemoryProbe : IDisposable
{
    private const int ChunkBytes = 1 << 20;
    private readonly AlignedBuffer<float> buffer;

    /// <summary>A buffer of eight times the last-level cache, 128 MB to 512 MB, touched once.</summary>
    public MemoryProbe(long lastLevelCacheBytes)
    {
        long bytes = Math.Clamp(8 * lastLevelCacheBytes, 128L << 20, 512L << 20) / (2 * ChunkBytes) * (2 * ChunkBytes);
        buffer = new AlignedBuffer<float>(bytes / sizeof(float));
        buffer.Span.Fill(1f);
    }

    /// <summary>GB/s (1e9) of one pass of reads.</summary>
    public double Read(WorkerThreads threads)
    {
        int chunks = Chunks;
        var sums = new float[chunks];
        return Time(threads, chunks, i => sums[i] = Sum(Chunk(i), ChunkBytes / sizeof(float)));
    }

    /// <summary>GB/s (1e9) of one pass that copies one half of the buffer to the other; both directions count.</summary>
    public double Copy(WorkerThreads threads)
    {
        int half = Chunks / 2;
        return Time(threads, half, i => CopyChunk(Chunk(i), Chunk(half + i), ChunkBytes / sizeof(float)));
    }

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();

    private int Chunks => (int)(buffer.Length * sizeof(float) / ChunkBytes);

    private float* Chunk(int index) => buffer.Data + (long)index * (ChunkBytes / sizeof(float));

    private double Time(WorkerThreads threads, int items, Action<int> body)
    {
        long start = Stopwatch.GetTimestamp();
        threads.For(items, body);
        return buffer.Length * sizeof(float) / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* data, int count)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        int width = Vector512<float>.Count;
        for (int i = 0; i < count; i += 4 * width)
        {
            a += Vector512.LoadAligned(data + i);
            b += Vector512.LoadAligned(data + i + width);
            c += Vector512.LoadAligned(data + i + 2 * width);
            d += Vector512.LoadAligned(data + i + 3 * width);
        }
        return Vector512.Sum(a + b + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyChunk(float* source, float* target, int count)
    {
        int width = Vector512<float>.Count;
        for (int i = 0; i < count; i += 2 * width)
        {
            Vector512.LoadAligned(source + i).StoreAlignedNonTemporal(target + i);
            Vector512.LoadAligned(source + i + width).StoreAlignedNonTemporal(target + i + width);
        }
    }
}
