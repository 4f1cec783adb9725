namespace BinaryAttention.Cuda.Kernels;

/// <summary>Blocks of a launch.</summary>
/// <param name="GridX">Blocks along x.</param>
/// <param name="GridY">Blocks along y, at most 65535.</param>
/// <param name="GridZ">Blocks along z, at most 65535.</param>
internal readonly record struct LaunchShape(uint GridX, uint GridY, uint GridZ);
