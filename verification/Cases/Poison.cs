using System.Buffers.Binary;

namespace AttnKernels.Verification;

/// <summary>What lies in memory that nobody may use: numbers that spoil every sum they enter.</summary>
internal static class Poison
{
    /// <summary>Fills <paramref name="memory"/>: NaN with a recognisable payload, 2^31 - 1, -128 or true.</summary>
    public static void Fill(DType type, Span<byte> memory)
    {
        switch (type)
        {
            case DType.Float32:
                Repeat(memory, 0x7FC0DEAD);
                break;
            case DType.Float16:
                Repeat(memory, 0x7EAD7EAD);
                break;
            case DType.BFloat16:
                Repeat(memory, 0x7FED7FED);
                break;
            case DType.Int32:
                Repeat(memory, int.MaxValue);
                break;
            case DType.Int8:
                memory.Fill(0x80);
                break;
            default:
                memory.Fill(1);
                break;
        }
    }

    private static void Repeat(Span<byte> memory, int pattern)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, pattern);
        for (int n = 0; n < memory.Length; n++)
            memory[n] = bytes[n & 3];
    }
}
