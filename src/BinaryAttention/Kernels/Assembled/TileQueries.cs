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
        double* slopes = head->Slopes - head->FirstQuery;
        slot->FirstQuery = firstQuery;
        slot->Queries = Math.Min(rows, endQuery - firstQuery);
        for (int row = 0; row < rows; row++)
        {
            int query = Math.Min(firstQuery + row, endQuery - 1);

            SetCode(codes + (row * codeBytes), head, query, slopes[query] < 0);
        }
    }

    /// <summary>Codes of one query. Those beyond its last plane run over into what follows: another query's codes, written later, or room kept for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetCode(byte* code, HeadOperands* head, int query, bool isReversed)
    {
        // Byte i of a word to all four bytes of lane i; the lanes of a 256-bit shuffle are 128 bits.
        Vector256<byte> spread = Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7).AsByte();
        int words = head->WordsPerQuery;
        ulong* word = head->QueryWords + ((long)query * words);

        // A reversed order is the distance to the opposite signs.
        ulong flip = isReversed ? ulong.MaxValue : 0;
        for (int i = 0; i < words - 1; i++)
        {
            Avx2.Shuffle(Vector256.Create(word[i] ^ flip).AsByte(), spread).Store(code + (i * WordPlanes * TileFrame.CodeBytes));
        }

        Avx2.Shuffle(Vector256.Create(word[words - 1] ^ (flip & head->LastWordMask)).AsByte(), spread).Store(code + ((words - 1) * WordPlanes * TileFrame.CodeBytes));
    }
}
