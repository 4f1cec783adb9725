// Where the bias of one pair lies: the only place that knows the index order of the bias forms.
// Relative position (grid tokens i, j; h, w are the grid's sizes): row (y_i - y_j + h - 1)(2w - 1) + (x_i - x_j + w - 1) of the table [rows, heads]; with a class
// token three rows follow: class to token, token to class, class to class.
namespace BinaryAttention.Reference;

internal sealed class ReferenceBias(AttentionBias bias)
{
    private readonly ReadOnlyMemory<float> _values = bias.Values;

    public AttentionBiasKind Kind => bias.Kind;

    /// <summary>Number of values; for all but low-rank factors also the size of the bias gradient.</summary>
    public int Length => _values.Length;

    /// <summary>Number of key factors of a low-rank bias.</summary>
    public int KeyFactorLength => bias.KeyFactors.Length;

    public int Rank => bias.Rank;

    public double At(int batch, int head, int query, int key) => bias.Kind == AttentionBiasKind.LowRank
        ? Product(QueryFactor(batch, head, query), KeyFactor(batch, head, key))
        : _values.Span[Index(batch, head, query, key)];

    /// <summary>Index of the first of a query's factors in <see cref="AttentionBias.Values"/>.</summary>
    public int QueryFactor(int batch, int head, int query) => ((Plane(batch, head) * bias.QueryLength) + query) * bias.Rank;

    /// <summary>Index of the first of a key's factors in <see cref="AttentionBias.KeyFactors"/>.</summary>
    public int KeyFactor(int batch, int head, int key) => ((Plane(batch, head) * bias.KeyLength) + key) * bias.Rank;

    public float QueryFactorAt(int index) => _values.Span[index];

    public float KeyFactorAt(int index) => bias.KeyFactors.Span[index];

    /// <summary>Index of the pair's value in <see cref="AttentionBias.Values"/>; a batch size or head count of 1 is shared.</summary>
    public int Index(int batch, int head, int query, int key)
    {
        int biasHead = bias.HeadCount == 1 ? 0 : head;
        int plane = Plane(batch, head);
        return bias.Kind switch
        {
            AttentionBiasKind.PerKey => (plane * bias.KeyLength) + key,
            AttentionBiasKind.Dense => (((plane * bias.QueryLength) + query) * bias.KeyLength) + key,
            AttentionBiasKind.RelativePosition => (RelativeRow(query, key, bias.GridHeight, bias.GridWidth, bias.HasClassToken) * bias.HeadCount) + biasHead,
            _ => throw new InvalidOperationException($"A bias of kind {bias.Kind} has no single value per pair."),
        };
    }

    private int Plane(int batch, int head) => ((bias.BatchSize == 1 ? 0 : batch) * bias.HeadCount) + (bias.HeadCount == 1 ? 0 : head);

    private double Product(int queryFactor, int keyFactor)
    {
        double sum = 0;
        for (int r = 0; r < bias.Rank; r++)
        {
            sum += (double)QueryFactorAt(queryFactor + r) * KeyFactorAt(keyFactor + r);
        }

        return sum;
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
