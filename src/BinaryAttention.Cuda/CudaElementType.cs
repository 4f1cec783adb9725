namespace BinaryAttention.Cuda;

/// <summary>Element type of an operand in device memory.</summary>
public enum CudaElementType
{
    /// <summary>IEEE single precision.</summary>
    Float32 = 0,

    /// <summary>IEEE half precision.</summary>
    Float16 = 1,

    /// <summary>bfloat16: the upper half of a single.</summary>
    BFloat16 = 2,
}
