// D = A B + C of 16 x 8 sums, operands gathered by MatrixFragments; 32-bit words along k, each multiplied as 32 bits or as four bytes.
using System.Numerics;

namespace TestKit.Ptx;

internal static class PtxProducts
{
    public static int AndPopulation(uint left, uint right) => BitOperations.PopCount(left & right);

    public static int UnsignedBySigned(uint left, uint right) =>
        ((byte)left * (sbyte)right) + ((byte)(left >> 8) * (sbyte)(right >> 8)) + ((byte)(left >> 16) * (sbyte)(right >> 16)) + ((byte)(left >> 24) * (sbyte)(right >> 24));

    public static void Run(
        PtxWarp warp, int[] results, int[] left, int[] right, int[] sums, (int Lane, int Register)[,] leftTable, (int Lane, int Register)[,] rightTable, Func<uint, uint, int> multiply)
    {
        int words = leftTable.GetLength(1);
        Span<uint> rows = stackalloc uint[16 * words];
        Span<uint> columns = stackalloc uint[8 * words];
        for (int row = 0; row < 16; row++)
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

        Span<int> products = stackalloc int[16 * 8];
        for (int row = 0; row < 16; row++)
        {
            for (int column = 0; column < 8; column++)
            {
                (int lane, int register) = MatrixFragments.Sums[row, column];
                int sum = (int)warp[sums[register], lane];
                for (int word = 0; word < words; word++)
                {
                    sum += multiply(rows[(row * words) + word], columns[(column * words) + word]);
                }

                products[(row * 8) + column] = sum;
            }
        }

        for (int row = 0; row < 16; row++)
        {
            for (int column = 0; column < 8; column++)
            {
                (int lane, int register) = MatrixFragments.Sums[row, column];
                warp.Set(results[register], lane, (uint)products[(row * 8) + column]);
            }
        }
    }
}
