namespace BinaryAttention.Cuda.Kernels;

/// <summary>The table of a relative-position bias.</summary>
/// <param name="Height">Rows of the token grid.</param>
/// <param name="Width">Columns of the token grid.</param>
/// <param name="HasClassToken">Whether token 0 stands outside the grid.</param>
/// <param name="Heads">Heads of the table: 1, shared, or the query heads.</param>
internal readonly record struct RelativeGrid(int Height, int Width, bool HasClassToken, int Heads)
{
    /// <summary>Entries of one head.</summary>
    public int Entries => (((2 * Height) - 1) * ((2 * Width) - 1)) + (HasClassToken ? 3 : 0);
}
