namespace BinaryAttention.Cuda.Kernels;

/// <summary>Device addresses of one call's operands; 0 where the specification has none.</summary>
/// <param name="Query">Queries.</param>
/// <param name="Key">Keys.</param>
/// <param name="Value">Values.</param>
/// <param name="Destination">Receives the output.</param>
/// <param name="LogSumExp">Receives float32 <c>[batch, heads, queryLength]</c>.</param>
/// <param name="KeyLengths">int32 <c>[batch]</c>, each in 0..keyLength; values outside are clamped.</param>
/// <param name="Bias">Bias, as its kind says.</param>
/// <param name="Workspace">At least <see cref="AttentionProgram.WorkspaceBytes"/> bytes, aligned to 256.</param>
internal readonly record struct DevicePointers(ulong Query, ulong Key, ulong Value, ulong Destination, ulong LogSumExp, ulong KeyLengths, ulong Bias, ulong Workspace)
{
    /// <summary>int32 <c>[batch]</c>, each in 0..queryLength; values outside are clamped.</summary>
    public ulong QueryLengths { get; init; }

    /// <summary>float32 <c>[batch, heads, queryLength]</c> learned weights.</summary>
    public ulong RowWeights { get; init; }

    /// <summary>float32 <c>[batch, keyHeads, keyLength]</c> learned weights.</summary>
    public ulong ColumnWeights { get; init; }

    /// <summary>64-bit words <c>[heads|1, queryLength, words]</c>, a bit a key, 1 = allowed.</summary>
    public ulong Pairs { get; init; }

    /// <summary>Bytes <c>[heads|1, query blocks, key blocks]</c>, not 0 = allowed.</summary>
    public ulong Blocks { get; init; }
}
