using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Reports;

namespace BinaryAttention.Cli.Recognition;

/// <summary>What a comparison found.</summary>
internal sealed record Comparison(int Found, int Images, int Unreadable, IReadOnlyList<IReadOnlyList<HeadFidelity>> Layers, SensitivityReport Sensitivity, IReadOnlyList<FidelityPicture> Pictures, bool IsTrainedOneBit)
{
    /// <summary>The pictures that were measured, in words: whether there are more of them, and how many are damaged.</summary>
    public string PicturesInWords
    {
        get
        {
            int taken = Images + Unreadable;
            string ofAll = taken < Found ? $"the first {taken} of {Found} pictures" : $"{taken} pictures";
            return Unreadable > 0 ? $"{ofAll} ({Unreadable} unreadable left out)" : ofAll;
        }
    }

    /// <summary>The model with the most exact layers that were tried; that with none if no search was asked for.</summary>
    public MixedAttention Suggestion => Sensitivity.Suggestions.Count > 0 ? Sensitivity.Suggestions[^1] : Sensitivity.AllBinary;
}
