// Offsets of what a tile keeps beside its distances, all in one piece of memory so that generated code reaches everything from one register:
//
//   offsets      [row][64]     what turns a distance byte into a table index, repeated 64 times
//   tables       [row][256]    numerators 0-63, 64-127, residuals + 128 likewise
//   row sums     [row][8]      64-bit lanes: low half sum of numerators, high half sum of residuals + 128
//   minima       [row][64]     smallest distance per lane
//   constants    [2][64]       bytes 127, bytes 255
//   query codes  [row][plane]  an 8-bit code four times
namespace BinaryAttention.Kernels.Assembled;

internal sealed class TileFrame
{
    public const int Line = 64;

    public const int TableBytes = 4 * Line;

    /// <summary>Index of the last numerator-table entry, to which distances beyond the table and masked keys are clamped: it must hold 0.</summary>
    public const int LastEntry = (2 * Line) - 1;

    /// <summary>Bytes of one query code.</summary>
    public const int CodeBytes = 4;

    public TileFrame(TileShape tile, int planes)
    {
        Planes = planes;
        Tables = tile.Rows * Line;
        RowSums = Tables + (tile.Rows * TableBytes);
        Minima = RowSums + (tile.Rows * Line);
        Limit = Minima + (tile.Rows * Line);
        Ones = Limit + Line;
        QueryCodes = Ones + Line;
        Factors = QueryCodes;
        Bytes = (QueryCodes + (tile.Rows * Math.Max(planes * CodeBytes, sizeof(ulong))) + (2 * Line) - 1) / Line * Line;
    }

    public int Planes { get; }

    public int Offsets { get; }

    public int Tables { get; }

    public int RowSums { get; }

    public int Minima { get; }

    public int Limit { get; }

    public int Ones { get; }

    public int QueryCodes { get; }

    /// <summary>In a kernel for a whole item, the rows' output factors, every other float; in the place of the query codes.</summary>
    public int Factors { get; }

    public int Bytes { get; }

    /// <summary>Bytes of one query's codes.</summary>
    public int QueryCodeBytes => Planes * CodeBytes;
}
