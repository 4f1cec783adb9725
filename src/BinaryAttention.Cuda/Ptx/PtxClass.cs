namespace BinaryAttention.Cuda.Ptx;

/// <summary>Register classes. The bit-size classes hold integers of either sign.</summary>
internal enum PtxClass
{
    /// <summary>No register: an operand that was never made.</summary>
    None = 0,

    /// <summary>16 bits: half-precision bits.</summary>
    B16 = 1,

    /// <summary>32 bits.</summary>
    B32 = 2,

    /// <summary>64 bits, and addresses.</summary>
    B64 = 3,

    /// <summary>Single precision.</summary>
    F32 = 4,

    /// <summary>Double precision.</summary>
    F64 = 5,

    /// <summary>True or false.</summary>
    Predicate = 6,
}
