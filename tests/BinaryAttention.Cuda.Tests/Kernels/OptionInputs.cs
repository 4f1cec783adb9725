namespace BinaryAttention.Cuda.Tests.Kernels;

/// <summary>What a call's options hold beside the operands; empty where the specification has none.</summary>
internal sealed record OptionInputs
{
    public int[] QueryLengths { get; init; } = [];

    public float[] RowWeights { get; init; } = [];

    public float[] ColumnWeights { get; init; } = [];

    public ulong[] Pairs { get; init; } = [];

    public bool[] Blocks { get; init; } = [];
}
