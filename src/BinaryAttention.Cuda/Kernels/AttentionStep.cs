namespace BinaryAttention.Cuda.Kernels;

/// <summary>One launch of a program.</summary>
/// <param name="Module">The kernel.</param>
/// <param name="Grid">Its blocks.</param>
/// <param name="Arguments">Its parameters, in order, for the addresses of a call.</param>
internal sealed record AttentionStep(PtxModule Module, LaunchShape Grid, Func<DevicePointers, KernelArgument[]> Arguments)
{
    /// <summary>What the step does, for timings and messages.</summary>
    public string Name { get; init; } = Module.EntryPoint;
}
