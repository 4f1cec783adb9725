// Table mode: a pipeline of two groups of tiles. While the current group's probabilities meet the values, the next group's distances are counted by the same code. Between the two passes
// over the keys a row's smallest distance is known, so nothing is rescaled and every kernel gives the same bits. In TrainingParity a row's distances are counted between the passes, because its
// probabilities are normalised before they are rounded.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class TablePipeline(TilePlan plan, TileKernels kernels, AllowedKeys allowed, bool isParity)
{
    private readonly TilePlan _plan = plan;
    private readonly bool _allowsAll = allowed.AllowsAll;

    /// <summary>Computes some queries of one head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Attend(AssembledScratch scratch, HeadOperands* head, int firstQuery, int endQuery)
    {
        TileFrame frame = _plan.Frame;
        int rows = _plan.Tile.Rows;
        int groupQueries = rows * _plan.GroupTiles;
        TileSlot* current = scratch.First;
        TileSlot* next = scratch.Second;
        int nextTiles = PrepareGroup(next, head, firstQuery, endQuery);
        Pass(scratch, head, null, 0, next, nextTiles);
        for (int query = firstQuery; query < endQuery; query += groupQueries)
        {
            TileSlot* finished = current;
            current = next;
            next = finished;
            int tiles = nextTiles;
            for (int tile = 0; tile < tiles; tile++)
            {
                TileTables.Prepare(scratch, current + tile, frame, rows, head->HeadDimension, isParity);
            }

            nextTiles = PrepareGroup(next, head, query + groupQueries, endQuery);
            Pass(scratch, head, current, tiles, next, nextTiles);
            for (int tile = 0; tile < tiles; tile++)
            {
                TileOutput.Write(current + tile, head, frame, _plan.Tile, isParity);
            }
        }
    }

    // Gives the number of tiles.
    private int PrepareGroup(TileSlot* slots, HeadOperands* head, int firstQuery, int endQuery)
    {
        int rows = _plan.Tile.Rows;
        int tiles = 0;
        for (int query = firstQuery; tiles < _plan.GroupTiles && query < endQuery; query += rows)
        {
            TileSlot* slot = slots + tiles;
            TileQueries.Prepare(slot, head, _plan.Frame, rows, query, endQuery);
            if (_allowsAll)
            {
                TileSelection.SetLeading(slot, head->KeyLength);
            }
            else
            {
                TileSelection.Select(slot, allowed, head->Head, rows);
            }

            tiles++;
        }

        return tiles;
    }

    // All keys, chunk by chunk, for the current group's values and the next group's distances.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pass(AssembledScratch scratch, HeadOperands* head, TileSlot* current, int tiles, TileSlot* next, int nextTiles)
    {
        int chunkBlocks = _plan.ChunkKeys / KeyCodes.BlockKeys;
        int blocks = KeyCodes.Blocks(head->KeyLength);
        int steps = Math.Max(tiles, nextTiles);
        for (int firstBlock = 0; firstBlock < blocks; firstBlock += chunkBlocks)
        {
            int endBlock = Math.Min(firstBlock + chunkBlocks, blocks);
            for (int tile = 0; tile < steps; tile++)
            {
                kernels.Run(scratch, head, tile < tiles ? current + tile : null, tile < nextTiles ? next + tile : null, endBlock);
            }
        }
    }
}
