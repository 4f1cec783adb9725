// The fragment tables against the index formulas that the PTX ISA gives beside its figures ("The row and column of a matrix fragment can be computed as ..."), element by element.
using TestKit.Ptx;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Interpreter;

public sealed class MatrixFragmentTests
{
    [Fact]
    public void Follows_TheFormulas_ForA_OfM16N8K32()
    {
        // row = groupID for ai where 0 <= i < 4 || 8 <= i < 12, else groupID + 8;  col = threadID_in_group * 4 + (i & 3), plus 16 for i >= 8; four elements a register.
        ForEachElement(16, (group, inGroup, i) =>
        {
            int row = i is (>= 0 and < 4) or (>= 8 and < 12) ? group : group + 8;
            int column = (inGroup * 4) + (i & 3) + (i >= 8 ? 16 : 0);
            Assert.Equal(((4 * group) + inGroup, i / 4), MatrixFragments.WideLeft[row, column / 4]);
        });
    }

    [Fact]
    public void Follows_TheFormulas_ForB_OfM16N8K32()
    {
        // row = threadID_in_group * 4 + (i & 3), plus 16 for i >= 4;  col = groupID.
        ForEachElement(8, (group, inGroup, i) =>
        {
            int row = (inGroup * 4) + (i & 3) + (i >= 4 ? 16 : 0);
            Assert.Equal(((4 * group) + inGroup, i / 4), MatrixFragments.WideRight[row / 4, group]);
        });
    }

    [Fact]
    public void Follows_TheFormulas_ForA_OfM16N8K256()
    {
        // row = groupID for ai where 0 <= i < 32 || 64 <= i < 96, else groupID + 8;  col = threadID_in_group * 32 + (i & 31), plus 128 for i >= 64.
        ForEachElement(128, (group, inGroup, i) =>
        {
            int row = i is (>= 0 and < 32) or (>= 64 and < 96) ? group : group + 8;
            int column = (inGroup * 32) + (i & 31) + (i >= 64 ? 128 : 0);
            Assert.Equal(((4 * group) + inGroup, i / 32), MatrixFragments.WideLeft[row, column / 32]);
        });
    }

    [Fact]
    public void Follows_TheFormulas_ForB_OfM16N8K256()
    {
        // row = threadID_in_group * 32 + (i & 31), plus 128 for i >= 32;  col = groupID.
        ForEachElement(64, (group, inGroup, i) =>
        {
            int row = (inGroup * 32) + (i & 31) + (i >= 32 ? 128 : 0);
            Assert.Equal(((4 * group) + inGroup, i / 32), MatrixFragments.WideRight[row / 32, group]);
        });
    }

    [Fact]
    public void Follows_TheFormulas_OfM16N8K128()
    {
        // A: row = groupID for i < 32, else groupID + 8;  col = threadID_in_group * 32 + (i & 31).  B: row = threadID_in_group * 32 + i, col = groupID.
        ForEachElement(64, (group, inGroup, i) => Assert.Equal(((4 * group) + inGroup, i / 32), MatrixFragments.NarrowLeft[i < 32 ? group : group + 8, inGroup]));
        ForEachElement(32, (group, inGroup, _) => Assert.Equal(((4 * group) + inGroup, 0), MatrixFragments.NarrowRight[inGroup, group]));
    }

    [Fact]
    public void Follows_TheFormulas_OfM8N8K16_AndM8N8K128()
    {
        // A: row = groupID, col = threadID_in_group * 4 + i (k16, four elements a register) or * 32 + i (k128);  B: row the same, col = groupID;  C: row = groupID, col = threadID_in_group * 2 + i.
        foreach (int elements in (int[])[4, 32])
        {
            ForEachElement(elements, (group, inGroup, i) =>
            {
                int k = (inGroup * elements) + i;
                Assert.Equal(((4 * group) + inGroup, 0), MatrixFragments.SquareLeft[group, k / elements]);
                Assert.Equal(((4 * group) + inGroup, 0), MatrixFragments.NarrowRight[k / elements, group]);
            });
        }

        ForEachElement(2, (group, inGroup, i) => Assert.Equal(((4 * group) + inGroup, i), MatrixFragments.SquareSums[group, (inGroup * 2) + i]));
    }

    [Fact]
    public void Follows_TheFormulas_ForTheSums() =>
        // row = groupID for i < 2, else groupID + 8;  col = threadID_in_group * 2 + (i & 1).
        ForEachElement(4, (group, inGroup, i) => Assert.Equal(((4 * group) + inGroup, i), MatrixFragments.Sums[i < 2 ? group : group + 8, (inGroup * 2) + (i & 1)]));

    [Fact]
    public void Follows_TheFormulas_OfLdmatrix() =>
        // Thread T receives elements 2 (T mod 4) and 2 (T mod 4) + 1 of row T / 4: one word.
        ForEachElement(1, (group, inGroup, _) => Assert.Equal(((4 * group) + inGroup, 0), MatrixFragments.MatrixRow[group, inGroup]));

    [Fact]
    public void Holds_EveryRegisterOfEveryLaneOnce()
    {
        foreach ((int Lane, int Register)[,] table in ((int, int)[][,])[MatrixFragments.WideLeft, MatrixFragments.NarrowLeft, MatrixFragments.WideRight, MatrixFragments.NarrowRight, MatrixFragments.Sums, MatrixFragments.SquareLeft, MatrixFragments.SquareSums, MatrixFragments.MatrixRow])
        {
            (int Lane, int Register)[] cells = table.Cast<(int, int)>().ToArray();
            Assert.Equal(cells.Length, cells.Distinct().Count());
            Assert.Equal(32, cells.Select(static cell => cell.Lane).Distinct().Count());
        }
    }

    private static void ForEachElement(int elements, Action<int, int, int> check)
    {
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < elements; i++)
            {
                check(lane >> 2, lane % 4, i);
            }
        }
    }
}
