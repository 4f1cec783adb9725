namespace BinaryAttention;

/// <summary>Which sign an exact zero gets.</summary>
public enum SignOfZero
{
    /// <summary>+0 and -0 count as +1 (BinaryAttention). The default.</summary>
    Positive = 0,

    /// <summary>+0 and -0 count as -1 (BinaryFormer's bit packing).</summary>
    Negative = 1,
}
