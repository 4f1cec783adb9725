// What the rows of one (batch, query head) share: weights, signs and values of the head and of the key head it reads.
//   logit_ij = rowWeight_i * columnWeight_j * logitScale * signDot_ij + bias_ij        (operator page, "Forward")
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceBinaryHead
{
    private readonly ReferenceInputs _inputs;

    public ReferenceBinaryHead(ReferenceInputs inputs, int batch, int head)
    {
        _inputs = inputs;
        AttentionSpecification specification = inputs.Specification;
        SignWeighting weighting = specification.Weighting;
        Batch = batch;
        Head = head;
        KeyHead = head / specification.HeadsPerKeyHead;
        (RowWeights, bool queryIsFinite) = ReferenceMagnitudes.Of(inputs.Query, batch, head, weighting.Rows, weighting.RowWeights);
        (ColumnWeights, bool keyIsFinite) = ReferenceMagnitudes.Of(inputs.Key, batch, KeyHead, weighting.Columns, weighting.ColumnWeights);
        IsFinite = queryIsFinite && keyIsFinite;
        Values = new ReferenceValues(inputs.Value, batch, KeyHead, specification.Quantization);
    }

    public AttentionSpecification Specification => _inputs.Specification;

    public int Batch { get; }

    public int Head { get; }

    public int KeyHead { get; }

    public float[] RowWeights { get; }

    public float[] ColumnWeights { get; }

    /// <summary>False if a query or key of the head is NaN or infinite; its whole output is NaN then.</summary>
    public bool IsFinite { get; }

    public ReferenceValues Values { get; }

    public int HammingDistance(int query, int key) => ReferenceSigns.HammingDistance(_inputs.Query.Token(Batch, Head, query), _inputs.Key.Token(Batch, KeyHead, key));

    public int SignDot(int query, int key) => Specification.Shape.HeadDimension - (2 * HammingDistance(query, key));

    /// <summary>Fills one row of logits; masked pairs hold -infinity.</summary>
    public void Logits(int query, Span<double> row)
    {
        double rowFactor = (double)RowWeights[query] * Specification.LogitScale;
        for (int key = 0; key < row.Length; key++)
        {
            row[key] = (rowFactor * ColumnWeights[key] * SignDot(query, key)) + (_inputs.Bias?.At(Batch, Head, query, key) ?? 0);
        }
    }
}
