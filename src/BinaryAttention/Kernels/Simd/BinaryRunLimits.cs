namespace BinaryAttention.Kernels.Simd;

internal static class BinaryRunLimits
{
    /// <summary>The largest head dimension whose distances are kept as bytes; 255 is left for "beyond the table".</summary>
    public const int ByteDistances = 254;

    /// <summary>Query rows in one work item.</summary>
    public const int TileQueries = 24;

    /// <summary>Most pairs of a query plane and a key plane.</summary>
    public const int PlanePairs = 4;
}
