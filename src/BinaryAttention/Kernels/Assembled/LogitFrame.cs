// Offsets of what a tile keeps in fixed-point log mode, all in one piece of memory:
//
//   slopes       [row][32]     what a pair's sign product is multiplied by, a 16-bit fraction, repeated
//   maxima       [row][32]     largest logit per lane; repeated once the row's maximum is known
//   row sums     [row][8]      64-bit lanes: low half sum of the exponentials' low bytes, high half that of their high bytes
//   centre       [64]          byte that centres (doubled) distances
//   high bytes   [32]          0xFF00
//   half         [32]          128
//   coarse, fine [32] each     2^-(i/32) and 2^-(i/octave), for the exponential
//   lowest       [32]          -32768
//   query codes  [row][plane]  an 8-bit code four times
namespace BinaryAttention.Kernels.Assembled;

internal sealed class LogitFrame
{
    private const int Line = TileFrame.Line;

    public LogitFrame(TileShape tile, int planes)
    {
        Planes = planes;
        int rowLines = tile.Rows * Line;
        Maxima = rowLines;
        RowSums = Maxima + rowLines;
        Centre = RowSums + rowLines;
        HighBytes = Centre + Line;
        Half = HighBytes + Line;
        Coarse = Half + Line;
        Fine = Coarse + Line;
        Lowest = Fine + Line;
        QueryCodes = Lowest + Line;
        Bytes = (QueryCodes + (tile.Rows * planes * TileFrame.CodeBytes) + (2 * Line) - 1) / Line * Line;
    }

    public int Planes { get; }

    public int Slopes { get; }

    public int Maxima { get; }

    public int RowSums { get; }

    public int Centre { get; }

    public int HighBytes { get; }

    public int Half { get; }

    public int Coarse { get; }

    public int Fine { get; }

    public int Lowest { get; }

    public int QueryCodes { get; }

    public int Bytes { get; }
}
