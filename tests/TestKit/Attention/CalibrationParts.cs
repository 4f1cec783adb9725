namespace TestKit.Attention;

/// <summary>The parts of a case's calibration.</summary>
[Flags]
public enum CalibrationParts
{
    /// <summary>No calibration.</summary>
    None = 0,

    /// <summary>Query centres, which also make an exact bias per key.</summary>
    QueryCentre = 1,

    /// <summary>Key centres.</summary>
    KeyCentre = 2,

    /// <summary>One rotation per key head.</summary>
    Rotation = 4,

    /// <summary>One temperature per query head.</summary>
    Temperature = 8,

    /// <summary>All of them.</summary>
    All = QueryCentre | KeyCentre | Rotation | Temperature,
}
