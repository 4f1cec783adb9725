namespace BinaryAttention.Cuda;

/// <summary>What the driver's compiler made of one kernel of a plan.</summary>
/// <param name="Step">What the kernel does.</param>
/// <param name="EntryPoint">Its name in the PTX.</param>
/// <param name="ThreadsPerBlock">Threads of a block.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="LocalBytes">Local memory of a thread; not 0 means spilled registers or indexed arrays.</param>
/// <param name="SharedBytes">Shared memory of a block.</param>
/// <param name="BlocksPerMultiprocessor">Blocks that fit on one multiprocessor at once.</param>
/// <param name="LoadMilliseconds">Time in the driver's compiler, or of finding the code in the driver's cache.</param>
public sealed record CudaKernelInfo(string Step, string EntryPoint, int ThreadsPerBlock, int Registers, int LocalBytes, int SharedBytes, int BlocksPerMultiprocessor, double LoadMilliseconds);
