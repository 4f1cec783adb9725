namespace BinaryAttention.Cuda.Ptx;

/// <summary>A place to branch to; placed once by the emitter that made it.</summary>
/// <param name="Name">Unique within the entry.</param>
internal sealed record PtxLabel(string Name);
