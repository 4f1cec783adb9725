// One emitted kernel: its text and what a launch must know about it.
namespace BinaryAttention.Cuda.Kernels;

/// <param name="Source">PTX text of one module with one entry.</param>
/// <param name="EntryPoint">Name of the entry.</param>
/// <param name="ThreadsPerBlock">Threads of a block, one-dimensional.</param>
/// <param name="StaticSharedBytes">Shared memory that the text declares with a size.</param>
/// <param name="DynamicSharedBytes">Shared memory that the launch must give; above 48 KiB the function's limit must be raised first.</param>
internal sealed record PtxModule(string Source, string EntryPoint, int ThreadsPerBlock, int StaticSharedBytes, int DynamicSharedBytes);
