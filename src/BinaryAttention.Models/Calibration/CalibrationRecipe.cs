namespace BinaryAttention.Models.Calibration;

/// <summary>How the codes of a layer are found. docs/calibration.md describes each.</summary>
public enum CalibrationRecipe
{
    /// <summary>Centring, a random rotation and a fitted temperature; seconds. The only recipe with two planes.</summary>
    ClosedForm = 0,

    /// <summary>As <see cref="ClosedForm"/>, then the matrices behind the projections are learned, one per head and side.</summary>
    Rotation = 1,

    /// <summary>As <see cref="ClosedForm"/>, then the projections of queries and keys themselves are learned.</summary>
    Projection = 2,
}
