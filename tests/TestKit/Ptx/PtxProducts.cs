// D = A B + C of 16 x 8 or 8 x 8 sums, operands gathered by MatrixFragments; 32-bit words along k, each multiplied as 32 bits or as four bytes.
using System.Numerics;

namespace TestKit.Ptx;

internal static class PtxProducts
{
    public static int AndPopulation(uint left, uint right) => BitOperations.PopCount(left & right);

    public static int XorPopulation(uint left, uint right) => BitOperations.PopCount(left ^ right);

    public static int SignedBySigned(uint left, uint right) =>
        ((sbyte)left * (sbyte)right) + ((sbyte)(left >> 8) * (sbyte)(right >> 8)) + ((sbyte)(left >> 16) * (sbyte)(right >> 16)) + ((sbyte)(left >> 24) * (sbyte)(right >> 24));

    public static int UnsignedBySigned(uint left, uint right) =>
        ((byte)left * (sbyte)right) + ((byte)(left >> 8) * (sbyte)(right >> 8)) + ((byte)(left >> 16) * (sbyte)(right >> 16)) + ((byte)(left >> 24) * (sbyte)(right >> 24));

    public static void Run(
        PtxWarp warp, int[] results, int[] left, int[] right, int[] sums, (int Lane, int Register)[,] leftTable, (int Lane, int Register)[,] rightTable, Func<uint, uint, int> multiply)
    {
        int words = leftTable.GetLength(1);
        int rowCount = leftTable.GetLength(0);
        (int Lane, int Register)[,] sumTable = rowCount == 16 ? MatrixFragments.Sums : MatrixFragments.SquareSums;
        Span<uint> rows = stackalloc uint[rowCount * words];
        Span<uint> columns = stackalloc uint[8 * words];
        for (int row = 0; row < rowCount; row++)
        {
            for (int word = 0; word < words; word++)
            {
                (int lane, int register) = leftTable[row, word];
                rows[(row * words) + word] = (uint)warp[left[register], lane];
            }
        }

        for (int column = 0; column < 8; column++)
        {
            for (int word = 0; word < words; word++)
            {
                (int lane, int register) = rightTable[word, column];
                columns[(column * words) + word] = (uint)warp[right[register], lane];
            }
        }

        Span<int> products = stackalloc int[rowCount * 8];
        for (int row = 0; row < rowCount; row++)
        {
            for (int column = 0; column < 8; column++)
            {
                (int lane, int register) = sumTable[row, column];
                int sum = (int)warp[sums[register], lane];
                for (int word = 0; word < words; word++)
                {
                    sum += multiply(rows[(row * words) + word], columns[(column * words) + word]);
                }

                products[(row * 8) + column] = sum;
            }
        }

        for (int row = 0; row < rowCount; row++)
        {
            for (int column = 0; column < 8; column++)
            {
                (int lane, int register) = sumTable[row, column];
                warp.Set(results[register], lane, (uint)products[(row * 8) + column]);
            }
        }
    }
}
