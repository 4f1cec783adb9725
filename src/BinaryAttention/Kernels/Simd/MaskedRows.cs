// Rows of which some keys are masked, one bit per key (1 = allowed), 64 keys a word. Bits become bytes by a shuffle that hands each byte of the word to eight lanes, which then test one bit each.
// Scalar line it equals: row[j] = allowed(j) ? f(row[j]) : 255.
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class MaskedRows
{
    /// <summary>The distance of a masked key: beyond every real one, since this path takes head dimensions up to 254, and its numerator is 0.</summary>
    public const byte Masked = 255;

    /// <summary>Sets the distances of masked keys to <see cref="Masked"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mark(byte* distances, ulong* words, int paddedKeys)
    {
        for (int key = 0; key < paddedKeys; key += Vector256<byte>.Count)
        {
            (Vector256.Load(distances + key) | MaskedBytes(((uint*)words)[key / Vector256<byte>.Count])).Store(distances + key);
        }
    }

    /// <summary>Subtracts the row's smallest distance; masked keys stay <see cref="Masked"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Subtract(byte* distances, ulong* words, int paddedKeys, int minimum)
    {
        Vector256<byte> smallest = Vector256.Create((byte)minimum);
        for (int key = 0; key < paddedKeys; key += Vector256<byte>.Count)
        {
            ((Vector256.Load(distances + key) - smallest) | MaskedBytes(((uint*)words)[key / Vector256<byte>.Count])).Store(distances + key);
        }
    }

    /// <summary>Gives masked keys of a row of logits -infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SetMinusInfinity(float* logits, ulong* words, int keys)
    {
        for (int first = 0; first < keys; first += 64)
        {
            for (ulong masked = ~words[first / 64]; masked != 0; masked &= masked - 1)
            {
                int key = first + BitOperations.TrailingZeroCount(masked);
                if (key >= keys)
                {
                    return;
                }

                logits[key] = float.NegativeInfinity;
            }
        }
    }

    /// <summary>Sets 32-bit distances of masked keys to a value that stands for them.</summary>
    public static void Mark(int* distances, ulong* words, int keys, int value)
    {
        for (int key = 0; key < keys; key++)
        {
            if (((words[key / 64] >> (key % 64)) & 1) == 0)
            {
                distances[key] = value;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> MaskedBytes(uint allowed)
    {
        // Both 128-bit lanes hold the same four bytes, so that each lane's indices stay within it.
        Vector256<byte> spread = Vector256.Shuffle(
            Vector256.Create(allowed).AsByte(),
            Vector256.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 18, 18, 18, 18, 18, 18, 18, 18, 19, 19, 19, 19, 19, 19, 19, 19));
        return Vector256.Equals(spread & Vector256.Create(0x8040_2010_0804_0201UL).AsByte(), Vector256<byte>.Zero);
    }
}
