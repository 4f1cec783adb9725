namespace BinaryAttention.Cuda.Kernels;

/// <summary>What is added to the logits.</summary>
internal enum CudaBiasKind
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>One number per key: float32 <c>[batch, heads, keyLength]</c>.</summary>
    PerKey = 1,

    /// <summary>One number per pair: float32 <c>[batch, heads, queryLength, keyLength]</c>.</summary>
    Dense = 2,

    /// <summary>One number per distance on a grid: float32 <c>[rows, heads]</c>, gathered while the kernel runs.</summary>
    RelativePosition = 3,
}
