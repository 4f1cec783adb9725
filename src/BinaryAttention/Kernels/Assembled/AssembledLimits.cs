namespace BinaryAttention.Kernels.Assembled;

internal static class AssembledLimits
{
    /// <summary>The largest head dimension: distances are bytes, 255 marks a key that takes no part.</summary>
    public const int HeadDimension = 254;

    /// <summary>The most keys: a row's numerators, at most 255 each, are summed in 32 bits.</summary>
    public const int KeyLength = 16_000_000;

    /// <summary>Keys after which 32-bit sums must be emptied: 65,536 * 255 * 127 is below 2^31.</summary>
    public const int SumKeys = 65_536;

    /// <summary>Head dimensions up to this one need one instruction for a table index.</summary>
    public const int NarrowDistances = 128;
}
