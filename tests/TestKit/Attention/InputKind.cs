namespace TestKit.Attention;

/// <summary>What the operands of a case look like.</summary>
public enum InputKind
{
    /// <summary>Independent standard normal numbers.</summary>
    Gaussian = 0,

    /// <summary>Every token of a head is the same.</summary>
    EqualRows = 1,

    /// <summary>Zeros.</summary>
    Zeros = 2,

    /// <summary>+0 and -0.</summary>
    SignedZeros = 3,

    /// <summary>Denormal numbers of both signs.</summary>
    Denormals = 4,

    /// <summary>Normal numbers scaled by 1e15: logits far beyond the exponential's range, within float32.</summary>
    Huge = 5,

    /// <summary>Keys and queries near a few centres: sharp attention with a tail.</summary>
    Clustered = 6,

    /// <summary>Zeros of both signs, denormals, powers of ten and normal numbers, mixed.</summary>
    Mixed = 7,

    /// <summary>Normal numbers with an offset, so that value means are not near 0.</summary>
    Offset = 8,

    /// <summary>Normal numbers with a NaN here and there.</summary>
    WithNaN = 9,

    /// <summary>Normal numbers with an infinity here and there.</summary>
    WithInfinities = 10,
}
