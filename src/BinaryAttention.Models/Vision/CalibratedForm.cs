namespace BinaryAttention.Models.Vision;

/// <summary>
/// The form of one-bit attention that a calibrated checkpoint holds beside its projections: which layers have codes, and how long they are. docs/calibration.md describes the tensors.
/// </summary>
public sealed record CalibratedForm
{
    /// <summary>Signs of a token, head and plane.</summary>
    public int CodeLength { get; init; }

    /// <summary>Rank of the part of the logits that stays in float; 0 for none.</summary>
    public int Rank { get; init; }

    /// <summary>Sign planes per query, 1 or 2.</summary>
    public int QueryPlanes { get; init; } = 1;

    /// <summary>Sign planes per key, 1 or 2.</summary>
    public int KeyPlanes { get; init; } = 1;

    /// <summary>Whether keys are weighted by the mean magnitude of their codes.</summary>
    public bool WeightsKeys { get; init; }

    /// <summary>Whether the rows of the special tokens are computed exactly.</summary>
    public bool HasExactSpecialRows { get; init; }

    /// <summary>The layers with codes, ascending; the others stay exact or run in 8 bits.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>Layers without codes whose queries and keys are 8-bit numbers, ascending.</summary>
    public IReadOnlyList<int> EightBitLayers { get; init; } = [];

    /// <summary>Outputs of the code projection of a layer: codes of queries and keys, a bias per key and head, and both sides' float factors.</summary>
    /// <param name="headCount">Heads of the layer.</param>
    /// <exception cref="OverflowException">There are more than 2^63 - 1.</exception>
    public long OutputCount(int headCount) => checked(headCount * ((2L * CodeLength) + 1 + (2L * Rank)));
}
