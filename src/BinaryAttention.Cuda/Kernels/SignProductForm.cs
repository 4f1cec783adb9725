namespace BinaryAttention.Cuda.Kernels;

/// <summary>How the attention kernel multiplies signs; which one a device gets is <see cref="SignProductForms.Of"/>.</summary>
internal enum SignProductForm
{
    /// <summary>One-bit matrices, popcount of and: compute capability 8.0 to 9.x.</summary>
    AndPopcount = 0,

    /// <summary>One-bit matrices, popcount of exclusive or, in tiles of 8 x 8: compute capability 7.5.</summary>
    XorPopcount = 1,

    /// <summary>Signs as 8-bit numbers +1 and -1: devices without one-bit matrices, compute capability 10.0 and later.</summary>
    SignedBytes = 2,
}
