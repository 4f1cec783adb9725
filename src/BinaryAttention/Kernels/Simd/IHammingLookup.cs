// The byte-table work of one instruction set: Hamming distances of six queries against blocks of 64 keys, and the map from distances to 8-bit numerators.
namespace BinaryAttention.Kernels.Simd;

internal unsafe interface IHammingLookup
{
    /// <summary>Bits of a key code: 6 where a 64-entry byte lookup exists, else 4.</summary>
    static abstract int BitsPerCode { get; }

    /// <summary>Bytes of one query table of one plane.</summary>
    static abstract int TableBytes { get; }

    /// <summary>
    /// A query's tables, <c>[plane][TableBytes]</c>: <c>table[code] = popcount((code xor queryCode) and validBits)</c>. A row whose weight is negative ranks keys the other way round; its
    /// query bits are flipped, so that "nearest" is again the largest logit.
    /// </summary>
    static abstract void BuildTables(ulong* words, int dimension, bool flip, byte* tables);

    /// <summary>
    /// Distances of six queries: <c>rows[q * rowStride + key]</c> receives the distance as a byte (the last block may hold padding keys, whose distances mean nothing).
    /// Overflow cannot happen: a distance is at most the head dimension, and this path takes at most 254.
    /// </summary>
    /// <param name="codes">Key codes of the head.</param>
    /// <param name="blocks">Blocks of 64 keys.</param>
    /// <param name="planes">Planes per block.</param>
    /// <param name="tables">Six queries' tables, <c>[query][plane][TableBytes]</c>.</param>
    /// <param name="rows">Receives six rows.</param>
    /// <param name="rowStride">Bytes from row to row.</param>
    static abstract void Distances(byte* codes, int blocks, int planes, byte* tables, byte* rows, nint rowStride);

    /// <summary>The smallest distance of a row.</summary>
    static abstract int Minimum(byte* row, int keys);

    /// <summary>
    /// Replaces distances by numerators, <c>row[j] = numerators[row[j] - minimum]</c>, and sums numerators and residuals. Entries beyond 255 do not exist; padding keys get 0.
    /// </summary>
    /// <param name="row">Distances in, numerators out; a multiple of 64 bytes.</param>
    /// <param name="keys">Keys that count.</param>
    /// <param name="minimum">The row's smallest distance.</param>
    /// <param name="numerators">256 entries.</param>
    /// <param name="residuals">256 entries.</param>
    /// <param name="lastEntry">The last index whose numerator or residual is not 0.</param>
    /// <param name="residualSum">Receives the sum of the residuals.</param>
    /// <returns>The sum of the numerators.</returns>
    static abstract long Map(byte* row, int keys, int minimum, byte* numerators, sbyte* residuals, int lastEntry, out long residualSum);
}
