// How many keys of a row lie at each distance beyond the nearest. Four interleaved histograms, because neighbouring keys often share a distance and a counter that was just written
// cannot be read again for several cycles.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Quantization;

internal static unsafe class DistanceHistogram
{
    public const int Entries = 256;

    /// <summary>Counts <c>distances[j] - minimum</c> into 256 counters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Count(byte* distances, int keys, int minimum, int* counts)
    {
        int* partial = stackalloc int[4 * Entries];
        new Span<int>(partial, 4 * Entries).Clear();
        int key = 0;
        for (; key + 4 <= keys; key += 4)
        {
            partial[distances[key]]++;
            partial[Entries + distances[key + 1]]++;
            partial[(2 * Entries) + distances[key + 2]]++;
            partial[(3 * Entries) + distances[key + 3]]++;
        }

        for (; key < keys; key++)
        {
            partial[distances[key]]++;
        }

        new Span<int>(counts, Entries).Clear();
        for (int distance = minimum; distance < Entries; distance++)
        {
            counts[distance - minimum] = partial[distance] + partial[Entries + distance] + partial[(2 * Entries) + distance] + partial[(3 * Entries) + distance];
        }
    }

    /// <summary>Counts the distances 0 .. dimension of one row of blocks of 64; larger ones mark keys that take no part.</summary>
    /// <param name="distances">The row's first 64 distances.</param>
    /// <param name="blockBytes">Bytes from block to block.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="dimension">The largest distance, at most 254.</param>
    /// <param name="counts">Receives 256 counters.</param>
    public static void CountBlocks(byte* distances, nint blockBytes, int blocks, int dimension, int* counts)
    {
        if (SlicedHistogram.IsSupported)
        {
            SlicedHistogram.Count(distances, blockBytes, blocks, dimension, counts);
            return;
        }

        new Span<int>(counts, Entries).Clear();
        for (int block = 0; block < blocks; block++)
        {
            for (int key = 0; key < Bits.KeyCodes.BlockKeys; key++)
            {
                counts[distances[(block * blockBytes) + key]]++;
            }
        }
    }
}
