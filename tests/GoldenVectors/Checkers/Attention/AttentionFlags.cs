namespace GoldenVectors.Checkers.Attention;

/// <summary>The training code's three switches: one-bit queries and keys, relative-position bias, 8-bit probabilities and values. The last two act only with the first.</summary>
internal sealed record AttentionFlags(bool IsBinary, bool HasBias, bool Is8Bit)
{
    /// <summary>From a name such as q1b0p1.</summary>
    public static AttentionFlags Parse(string name) => new(name[1] == '1', name[1] == '1' && name[3] == '1', name[1] == '1' && name[5] == '1');
}
