namespace BinaryAttention.Formats.Images.Jpeg;

/// <summary>How a component's rows become rows of the picture.</summary>
internal enum ChromaUpsampling
{
    /// <summary>One sample per pixel.</summary>
    None,

    /// <summary>Half the columns: triangle filter along the row.</summary>
    TriangleHorizontal,

    /// <summary>Half the rows: triangle filter across two rows.</summary>
    TriangleVertical,

    /// <summary>Half of both: triangle filter in both directions, rounded once.</summary>
    TriangleBoth,

    /// <summary>Any other ratio, and rows too short to filter: the sample at or before the pixel is repeated.</summary>
    Repeat,
}
