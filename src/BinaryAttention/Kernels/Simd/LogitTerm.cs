// One product of a query plane and a key plane: RowWeight * Scale * ColumnWeights[key] * (d - 2 distance[key]).
namespace BinaryAttention.Kernels.Simd;

internal unsafe struct LogitTerm
{
    /// <summary>Distances as bytes; not read if <see cref="LongDistances"/> is given.</summary>
    public byte* Distances;

    /// <summary>Distances that exceed a byte, or null.</summary>
    public int* LongDistances;

    /// <summary>Weight of the row's query.</summary>
    public float RowWeight;

    /// <summary>Logit scale times temperature.</summary>
    public float Scale;

    /// <summary>One weight per selected key.</summary>
    public float* ColumnWeights;
}
