using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd;

/// <summary>What the tapes of a training run have in common and keep from step to step: memory, threads, and room for packed weights. One tape uses it at a time.</summary>
public sealed class Workspace
{
    /// <summary>Makes a workspace; threads start with the first step.</summary>
    /// <param name="maxDegreeOfParallelism">Most threads, at least 1; null for one per processor. Results have the same bits at any number.</param>
    public Workspace(int? maxDegreeOfParallelism = null)
    {
        ThreadCount = RowLoop.Threads(maxDegreeOfParallelism);
        Loop = new RowLoop(ThreadCount);
        Weights = new PackedWeights(this);
    }

    /// <summary>The memory of values and gradients.</summary>
    public BufferPool Buffers { get; } = new();

    /// <summary>Threads that work on an operation.</summary>
    public int ThreadCount { get; }

    internal RowLoop Loop { get; }

    internal PackedWeights Weights { get; }

    /// <summary>Receives times of the backward pass; nobody measures if null.</summary>
    internal OperationTimes? Times { get; set; }

    /// <summary>Whether a tape is in use.</summary>
    internal bool IsTaken { get; set; }

    /// <summary>Counts tapes, so that packed weights know whether they are current.</summary>
    internal long Generation { get; set; }
}
