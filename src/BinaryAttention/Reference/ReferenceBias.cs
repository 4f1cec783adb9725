// Where the bias of one pair lies: the only place that knows the index order of the bias forms.
// Relative position (grid tokens i, j; h, w are the grid's sizes): row (y_i - y_j + h - 1)(2w - 1) + (x_i - x_j + w - 1) of the table [rows, heads]; with a class
// token three rows follow: class to token, token to class, class to class.
namespace BinaryAttention.Reference;

internal sealed class ReferenceBias(AttentionBias bias)
{
    private readonly ReadOnlyMemory<float> _values = bias.Values;

    /// <summary>Number of values, which is also the size of the bias gradient.</summary>
    public int Length => _values.Length;

    public float At(int batch, int head, int query, int key) => _values.Span[Index(batch, head, query, key)];

    /// <summary>Index of the pair's value in <see cref="AttentionBias.Values"/>; a batch size or head count of 1 is shared.</summary>
    public int Index(int batch, int head, int query, int key)
    {
        int biasBatch = bias.BatchSize == 1 ? 0 : batch;
        int biasHead = bias.HeadCount == 1 ? 0 : head;
        int plane = (biasBatch * bias.HeadCount) + biasHead;
        return bias.Kind switch
        {
            AttentionBiasKind.PerKey => (plane * bias.KeyLength) + key,
            AttentionBiasKind.Dense => (((plane * bias.QueryLength) + query) * bias.KeyLength) + key,
            AttentionBiasKind.RelativePosition => (RelativeRow(query, key, bias.GridHeight, bias.GridWidth, bias.HasClassToken) * bias.HeadCount) + biasHead,
            _ => throw new NotSupportedException($"Bias of kind {bias.Kind} is not supported by the reference."),
        };
    }

    /// <summary>Row of the relative-position table that a pair of tokens reads.</summary>
    public static int RelativeRow(int query, int key, int gridHeight, int gridWidth, bool hasClassToken)
    {
        int width = (2 * gridWidth) - 1;
        int gridRows = ((2 * gridHeight) - 1) * width;
        if (hasClassToken)
        {
            if (query == 0)
            {
                return key == 0 ? gridRows + 2 : gridRows;
            }

            if (key == 0)
            {
                return gridRows + 1;
            }

            query--;
            key--;
        }

        int y = (query / gridWidth) - (key / gridWidth) + gridHeight - 1;
        int x = (query % gridWidth) - (key % gridWidth) + gridWidth - 1;
        return (y * width) + x;
    }
}
