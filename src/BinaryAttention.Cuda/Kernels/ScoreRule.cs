// How scores (agreements times the variant's unit) become numerators: by lookup (table mode, exact integers) or through logits (log mode, float32). The passes walk tiles and leave every score to the rule.
// A lane owns the rows of AttentionBlock.Rows; element e of column tile T stands for key firstKey + 4 t + TileLayout.KeyOffset(T, e).
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal abstract class ScoreRule
{
    /// <summary>The value of a row's maximum before any key.</summary>
    public abstract PtxRegister StartMaximum();

    /// <summary>Registers of one tile of 64 keys.</summary>
    /// <param name="keyTerms">Shared address of the tile's per-key terms; unused if the rule has none.</param>
    /// <param name="laneKey">First key of the tile plus 4 t.</param>
    public virtual void BeginTile(PtxRegister keyTerms, PtxRegister laneKey)
    {
    }

    /// <summary>What follows the numerators of a tile of 64 keys.</summary>
    public virtual void EndTile()
    {
    }

    /// <summary>Takes a score into a row's maximum.</summary>
    public abstract void Include(PtxRegister maximum, int row, int tile, int element, PtxRegister score, PtxRegister? isAllowed);

    /// <summary>Makes the maximum common to the four lanes of a row, and keeps it for the second pass.</summary>
    public abstract void FinishMaximum(int row, PtxRegister maximum);

    /// <summary>The numerators of four keys of one row as the bytes of one register; adds them to the row's sums.</summary>
    /// <param name="row">Row of the lane.</param>
    /// <param name="tile">First of two column tiles: elements (tile, 0), (tile, 1), (tile + 1, 0), (tile + 1, 1).</param>
    /// <param name="scores">Of the four.</param>
    /// <param name="isAllowed">Of the four, or null if all are allowed.</param>
    public abstract PtxRegister Numerators(int row, int tile, PtxRegister[] scores, PtxRegister[]? isAllowed);

    /// <summary>The row sum in units of 1/255 as float32, 0 for a row without keys; called once a row, by all lanes.</summary>
    public abstract PtxRegister RowSum(int row);

    /// <summary>The logarithm of the sum of the exponentials, in double.</summary>
    /// <param name="row">Row of the lane.</param>
    /// <param name="rowIndex">Index of the row over all heads.</param>
    /// <param name="rowSum">What <see cref="RowSum"/> gave.</param>
    public abstract PtxRegister LogSumExp(int row, PtxRegister rowIndex, PtxRegister rowSum);
}
