// The start of a tile: slopes, query codes and empty minima. Rows beyond the last query repeat it; their results are not written.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe class TileQueries
{
    private const int Line = TileFrame.Line;
    private const int WordPlanes = 8;

    /// <summary>Slopes, empty minima and query codes of a tile in table mode.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(TileSlot* slot, HeadOperands* head, TileFrame frame, int rows, int firstQuery, int endQuery)
    {
        byte* minima = slot->Frame + frame.Minima;
        double* slopes = head->Slopes - head->FirstQuery;
        for (int row = 0; row < rows; row++)
        {
            slot->Slopes[row] = slopes[Math.Min(firstQuery + row, endQuery - 1)];
            Vector512<byte>.AllBitsSet.Store(minima + (row * Line));
        }

        SetCodes(slot, head, slot->Frame + frame.QueryCodes, frame.QueryCodeBytes, rows, firstQuery, endQuery);
    }

    /// <summary>Query codes of a tile; a query with a negative slope is reversed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SetCodes(TileSlot* slot, HeadOperands* head, byte* codes, int codeBytes, int rows, int firstQuery, int endQuery)
    {
        int words = head->WordsPerQuery;
        double* slopes = head->Slopes - head->FirstQuery;
        ulong* signs = head->QueryWords;
        ulong lastWordMask = head->LastWordMask;

        // Byte i of a word to all four bytes of lane i; the lanes of a 256-bit shuffle are 128 bits.
        Vector256<byte> spread = Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7).AsByte();
        slot->FirstQuery = firstQuery;
        slot->Queries = Math.Min(rows, endQuery - firstQuery);
        for (int row = 0; row < rows; row++)
        {
            int query = Math.Min(firstQuery + row, endQuery - 1);

            // A reversed order is the distance to the opposite signs.
            ulong flip = slopes[query] < 0 ? ulong.MaxValue : 0;
            ulong* word = signs + ((long)query * words);
            byte* code = codes + (row * codeBytes);
            for (int i = 0; i < words - 1; i++)
            {
                Avx2.Shuffle(Vector256.Create(word[i] ^ flip).AsByte(), spread).Store(code + (i * WordPlanes * TileFrame.CodeBytes));
            }

            // Codes beyond the last plane run into the next row, which is written later; after the last row the frame has room for them.
            Avx2.Shuffle(Vector256.Create(word[words - 1] ^ (flip & lastWordMask)).AsByte(), spread).Store(code + ((words - 1) * WordPlanes * TileFrame.CodeBytes));
        }
    }
}
