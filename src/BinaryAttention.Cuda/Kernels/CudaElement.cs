namespace BinaryAttention.Cuda.Kernels;

/// <summary>Element type of an operand in device memory.</summary>
internal enum CudaElement
{
    /// <summary>IEEE single precision.</summary>
    Float32 = 0,

    /// <summary>IEEE half precision.</summary>
    Float16 = 1,

    /// <summary>The upper half of a single.</summary>
    BFloat16 = 2,
}
