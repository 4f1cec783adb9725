// Every combination that a call refuses, with what its message must name. Everything else that RandomCases makes must run.
using TestKit.Attention;

namespace BinaryAttention.Tests.Matrix;

internal static class RefusedCombinations
{
    private static readonly (Func<AttentionCase, bool> Applies, string[] Parts)[] All =
    [
        (static c => c.Heads % c.KeyHeads != 0, ["key has", "heads", "must divide"]),
        (static c => c.IsExact && HasOneBitOptions(c), ["options is a BinaryAttentionOptions", "BinaryScaledDotProduct"]),
        (static c => CaseBiases.IsRelative(c.Bias) && c.Queries != c.Keys, ["Bias has queryLength"]),
        (static c => c.QueryPlanes == 2 && c.Weighting == WeightingForm.None, ["QueryPlanes is 2", "Weighting.Rows is None"]),
        (static c => c.QueryPlanes == 2 && c.Weighting >= WeightingForm.Learned, ["QueryPlanes is 2", "Weighting.Rows is Learned"]),
        (static c => c.KeyPlanes == 2 && c.Weighting == WeightingForm.None, ["KeyPlanes is 2", "Weighting.Columns is None"]),
        (static c => c.KeyPlanes == 2 && c.Weighting >= WeightingForm.Learned, ["KeyPlanes is 2", "Weighting.Columns is Learned"]),
    ];

    /// <summary>Number of combinations.</summary>
    public static int Count => All.Length;

    /// <summary>Index of the first combination that refuses a case, or -1.</summary>
    public static int IndexOf(AttentionCase attentionCase) => Array.FindIndex(All, combination => combination.Applies(attentionCase));

    /// <summary>Whether a refusal names what it must: any of the reasons that apply, since which check comes first is not promised.</summary>
    public static bool IsExplained(AttentionCase attentionCase, Exception exception) =>
        exception is ArgumentException or NotSupportedException && All.Any(combination => combination.Applies(attentionCase) && combination.Parts.All(part => exception.Message.Contains(part, StringComparison.Ordinal)));

    /// <summary>Whether a case sets anything that exact attention does not have.</summary>
    public static bool HasOneBitOptions(AttentionCase c) =>
        c.Weighting != WeightingForm.PerHead || c.Quantization != ValueQuantization.Tiled || c.SignOfZero != SignOfZero.Positive || c.QueryPlanes != 1 || c.KeyPlanes != 1 || c.Calibration != CalibrationParts.None;
}
