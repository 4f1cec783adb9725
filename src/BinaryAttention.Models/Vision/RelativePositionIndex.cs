// Which row of a relative-position table each pair of tokens reads, token 0 being the class token:
//
//   patches i, j: (y_i - y_j + gridHeight - 1)(2 gridWidth - 1) + (x_i - x_j + gridWidth - 1)
//   class to any: rows - 3      any to class: rows - 2      class to class: rows - 1
namespace BinaryAttention.Models.Vision;

internal static class RelativePositionIndex
{
    /// <summary>The index <c>[tokens, tokens]</c>, row-major.</summary>
    public static int[] Create(int gridHeight, int gridWidth)
    {
        int patches = gridHeight * gridWidth, tokens = patches + 1, spread = (2 * gridWidth) - 1;
        int rows = (((2 * gridHeight) - 1) * spread) + 3;
        var index = new int[tokens * tokens];
        for (int i = 0; i < tokens; i++)
        {
            index[i] = rows - 3;
            index[i * tokens] = rows - 2;
        }

        index[0] = rows - 1;
        for (int i = 0; i < patches; i++)
        {
            for (int j = 0; j < patches; j++)
            {
                int vertical = (i / gridWidth) - (j / gridWidth) + gridHeight - 1;
                int horizontal = (i % gridWidth) - (j % gridWidth) + gridWidth - 1;
                index[((i + 1) * tokens) + j + 1] = (vertical * spread) + horizontal;
            }
        }

        return index;
    }
}
