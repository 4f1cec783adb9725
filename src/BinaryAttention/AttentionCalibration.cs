namespace BinaryAttention;

/// <summary>
/// What a calibration found for one layer, applied before the signs are taken: <c>q' = R (q - queryCentre)</c>, <c>k' = R (k - keyCentre)</c>. Signs and mean magnitudes are those of
/// <c>q'</c> and <c>k'</c>, and <c>logit[i,j] = temperature * logitScale * rowWeight[i] * columnWeight[j] * signDot[i,j] + logitScale * queryCentre . k[j] + bias[i,j]</c>: what the query
/// mean contributes stays exact, as a bias per key. (What the key mean contributes is the same for all keys of a row and drops out of the softmax; it is left out of the log-sum-exp.)
/// Empty members are not applied. Centres and rotation cost a matrix product per call and a copy of queries and keys; folding them into the projections before is free, and
/// the way to use different maps for queries and keys, or more signs than channels.
/// </summary>
public sealed record AttentionCalibration
{
    /// <summary>Query means <c>[heads, headDimension]</c>.</summary>
    public ReadOnlyMemory<float> QueryCentre { get; init; }

    /// <summary>Key means <c>[keyHeads, headDimension]</c>.</summary>
    public ReadOnlyMemory<float> KeyCentre { get; init; }

    /// <summary>Rotations <c>[keyHeads, headDimension, headDimension]</c>, row-major: row r gives channel r of <c>q'</c> and <c>k'</c>.</summary>
    public ReadOnlyMemory<float> Rotation { get; init; }

    /// <summary>Temperatures of the sign products <c>[heads]</c>; any finite number.</summary>
    public ReadOnlyMemory<float> Temperature { get; init; }

    /// <summary>Whether queries or keys themselves change, or a bias arises: all but temperatures.</summary>
    internal bool MovesOperands => !QueryCentre.IsEmpty || !KeyCentre.IsEmpty || !Rotation.IsEmpty;
}
