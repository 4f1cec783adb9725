// What one worker needs beside its tiles for whole work items: the query codes and the tables of all of an item's rows.
namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class ItemScratch : IDisposable
{
    // Query codes are written a vector at a time.
    private const int Slack = 64;

    private readonly NativeBuffer _memory;

    public ItemScratch(in TilePlan plan, bool hasRowTables)
    {
        int rows = plan.Tile.Rows;

        // A last tile may be short, and one tile more than there are is looked ahead to.
        int paddedQueries = plan.ItemQueries + (2 * rows);
        long codes = (long)paddedQueries * plan.Frame.QueryCodeBytes;
        codes = (codes + Slack + TileFrame.Line - 1) / TileFrame.Line * TileFrame.Line;
        _memory = new NativeBuffer(codes + ((long)(hasRowTables ? paddedQueries : rows) * TileFrame.TableBytes));
        QueryCodes = _memory.Pointer;
        Tables = QueryCodes + codes;
    }

    /// <summary>Query codes, <c>[query][plane]</c>, each four times.</summary>
    public byte* QueryCodes { get; }

    /// <summary>Tables, <see cref="TileFrame.TableBytes"/> a row.</summary>
    public byte* Tables { get; }

    /// <summary>The slope that the first tile's tables all have, NaN for none.</summary>
    public double SharedSlope { get; set; } = double.NaN;

    public void Dispose() => _memory.Dispose();
}
