namespace BinaryAttention.Cuda.Driver;

/// <summary>The results of driver calls that are told apart here, and what a user can do about them.</summary>
internal static class CudaStatus
{
    public const int Success = 0;
    public const int InvalidValue = 1;
    public const int OutOfMemory = 2;
    public const int NotInitialized = 3;
    public const int Deinitialized = 4;
    public const int StubLibrary = 34;
    public const int DeviceUnavailable = 46;
    public const int NoDevice = 100;
    public const int InvalidDevice = 101;
    public const int InvalidContext = 201;
    public const int NoBinaryForGpu = 209;
    public const int InvalidPtx = 218;
    public const int JitCompilerNotFound = 221;
    public const int UnsupportedPtxVersion = 222;
    public const int JitCompilationDisabled = 223;
    public const int InvalidHandle = 400;
    public const int NotFound = 500;
    public const int IllegalAddress = 700;
    public const int LaunchOutOfResources = 701;
    public const int LaunchTimeout = 702;
    public const int MisalignedAddress = 716;
    public const int LaunchFailed = 719;
    public const int SystemNotReady = 802;
    public const int SystemDriverMismatch = 803;
    public const int StreamCaptureUnsupported = 900;

    /// <summary>What may help, as a sentence, or an empty text.</summary>
    public static string Remedy(int code) => code switch
    {
        OutOfMemory => "Free memory of the device, or split the call into smaller ones.",
        StubLibrary => "The toolkit's stub library was loaded instead of the driver's; take its folder out of the library path.",
        DeviceUnavailable => "Another process holds the device exclusively; end it, or choose another device.",
        NoDevice => "The driver sees no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES, and make the GPU visible to a container.",
        InvalidPtx => "This GPU's compiler refuses a kernel; please report the log with the GPU's name and driver version.",
        UnsupportedPtxVersion or NoBinaryForGpu => "The driver is older than the kernels; update it.",
        JitCompilerNotFound => "The driver's compiler library (libnvidia-ptxjitcompiler) is missing; install the full driver (in a container: the 'compute' driver capability).",
        JitCompilationDisabled => "Unset CUDA_DISABLE_PTX_JIT: kernels are compiled at run time.",
        IllegalAddress or MisalignedAddress or LaunchFailed => "A pointer, stride or length given to the call may be wrong; the process's CUDA context cannot be used any more, start a new process.",
        LaunchOutOfResources => "The kernel needs more registers or shared memory than the device has; please report it with the GPU's name.",
        LaunchTimeout => "The system stopped a long kernel on a GPU that also drives a display; use smaller calls.",
        SystemNotReady or SystemDriverMismatch => "The driver's library and its kernel module have different versions, or a service of it does not run; restart the machine, or make the container's driver match.",
        StreamCaptureUnsupported => "The call is not allowed while its stream is captured into a graph.",
        _ => string.Empty,
    };
}
