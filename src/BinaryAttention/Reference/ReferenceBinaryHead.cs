// What the rows of one (batch, query head) share: weights, signs and values of the head and of the key head it reads.
//   logit_ij = scale * sum over planes r, c of rowWeight^r_i * columnWeight^c_j * signDot^rc_ij + bias_ij        (operator page, "Forward")
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceBinaryHead
{
    private readonly ReferenceInputs _inputs;

    public ReferenceBinaryHead(ReferenceInputs inputs, int batch, int head)
    {
        _inputs = inputs;
        AttentionSpecification specification = inputs.Specification;
        Batch = batch;
        Head = head;
        KeyHead = head / specification.HeadsPerKeyHead;
        int validKeys = specification.ValidKeys(batch);
        Queries = new ReferenceSignPlanes(inputs.Query, batch, head, specification.QuerySide, specification.ValidQueries(batch));
        Keys = new ReferenceSignPlanes(inputs.Key, batch, KeyHead, specification.KeySide, validKeys);
        Values = new ReferenceValues(inputs.Value, batch, KeyHead, specification.Quantization, validKeys);
    }

    public AttentionSpecification Specification => _inputs.Specification;

    public int Batch { get; }

    public int Head { get; }

    public int KeyHead { get; }

    public ReferenceSignPlanes Queries { get; }

    public ReferenceSignPlanes Keys { get; }

    /// <summary>Weights of the first query plane.</summary>
    public float[] RowWeights => Queries.Weights[0];

    /// <summary>Weights of the first key plane.</summary>
    public float[] ColumnWeights => Keys.Weights[0];

    /// <summary>False if a valid query or key of the head is NaN or infinite; its whole output is NaN then.</summary>
    public bool IsFinite => Queries.IsFinite && Keys.IsFinite;

    /// <summary>What multiplies the sign products: logit scale times temperature.</summary>
    public float Scale => Specification.ScaleOf(Head);

    public ReferenceValues Values { get; }

    public bool Allows(int query, int key) => _inputs.Mask.Allows(Batch, Head, query, key);

    /// <summary>Distance of the first planes.</summary>
    public int HammingDistance(int query, int key) => ReferenceSigns.HammingDistance(Queries.Signs(0, query), Keys.Signs(0, key));

    /// <summary>Sign product of the first planes.</summary>
    public int SignDot(int query, int key) => SignDot(0, query, 0, key);

    /// <summary>Sign product of a query plane and a key plane.</summary>
    public int SignDot(int queryPlane, int query, int keyPlane, int key) =>
        Specification.Shape.HeadDimension - (2 * ReferenceSigns.HammingDistance(Queries.Signs(queryPlane, query), Keys.Signs(keyPlane, key)));

    /// <summary>Fills one row of logits; masked pairs hold -infinity.</summary>
    public void Logits(int query, Span<double> row)
    {
        for (int key = 0; key < row.Length; key++)
        {
            row[key] = Allows(query, key) ? Logit(query, key) : double.NegativeInfinity;
        }
    }

    private double Logit(int query, int key)
    {
        double logit = 0;
        for (int queryPlane = 0; queryPlane < Queries.Planes; queryPlane++)
        {
            double rowFactor = (double)Queries.Weights[queryPlane][query] * Scale;
            for (int keyPlane = 0; keyPlane < Keys.Planes; keyPlane++)
            {
                logit += rowFactor * Keys.Weights[keyPlane][key] * SignDot(queryPlane, query, keyPlane, key);
            }
        }

        return logit + _inputs.BiasOf(Batch, Head, query, key);
    }
}
