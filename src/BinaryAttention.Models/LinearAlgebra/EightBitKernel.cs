namespace BinaryAttention.Models.LinearAlgebra;

/// <summary>The inner kernels of the 8-bit product, worst first. All compute the same integers.</summary>
internal enum EightBitKernel
{
    /// <summary>Shorts in 128-bit vectors, on any processor.</summary>
    Short128 = 0,

    /// <summary>Shorts in 256-bit vectors.</summary>
    Short256 = 1,

    /// <summary>Shorts in 512-bit vectors.</summary>
    Short512 = 2,

    /// <summary>Bytes in 256-bit vectors.</summary>
    Byte256 = 3,

    /// <summary>Bytes in 512-bit vectors, by code assembled at run time.</summary>
    Assembled512 = 4,
}
