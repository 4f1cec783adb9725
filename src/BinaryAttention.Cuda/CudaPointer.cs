namespace BinaryAttention.Cuda;

/// <summary>An address in device memory that belongs to somebody else, such as the data pointer of another framework's tensor. Nothing here frees it.</summary>
/// <param name="Address">The address (CUdeviceptr); 0 for none.</param>
public readonly record struct CudaPointer(ulong Address)
{
    /// <summary>Whether there is no address.</summary>
    public bool IsNull => Address == 0;
}
