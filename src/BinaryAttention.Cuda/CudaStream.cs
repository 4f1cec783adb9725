namespace BinaryAttention.Cuda;

/// <summary>A stream that belongs to somebody else, such as another framework's current one. The default value is the legacy default stream.</summary>
/// <param name="Handle">The stream (CUstream).</param>
public readonly record struct CudaStream(nint Handle);
