namespace TestKit.Cuda;

/// <summary>One kernel launch as the fake driver received it.</summary>
/// <param name="Source">PTX of the module.</param>
/// <param name="EntryPoint">The function.</param>
/// <param name="Grid">Blocks along x, y, z.</param>
/// <param name="ThreadsPerBlock">Threads along x.</param>
/// <param name="DynamicSharedBytes">Shared memory given by the launch.</param>
/// <param name="Stream">The stream's handle, 0 for the default one.</param>
/// <param name="Arguments">Values of the parameters, each as wide as the PTX declares it.</param>
public sealed record FakeLaunch(string Source, string EntryPoint, (uint X, uint Y, uint Z) Grid, int ThreadsPerBlock, int DynamicSharedBytes, nint Stream, IReadOnlyList<ulong> Arguments);
