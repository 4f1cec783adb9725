namespace BinaryAttention.Cuda;

/// <summary>An NVIDIA GPU as the driver reports it.</summary>
public sealed class CudaDevice
{
    private CudaDevice()
    {
    }

    /// <summary>Whether the NVIDIA driver could be loaded and knows at least one GPU.</summary>
    public static bool IsSupported => false;
}
