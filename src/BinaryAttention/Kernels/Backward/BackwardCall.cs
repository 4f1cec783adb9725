// The memory of one backward call, pinned by the caller until it returns. A pointer of null means that a gradient is not wanted.
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class BackwardCall
{
    /// <summary>No memory at all, to ask for sizes with.</summary>
    public static BackwardCall Empty => new()
    {
        Query = default, Key = default, Value = default, OutputGradient = default, LogSumExp = null, QueryGradient = default, KeyGradient = default, ValueGradient = default,
    };

    public required TokenView Query { get; init; }

    public required TokenView Key { get; init; }

    public required TokenView Value { get; init; }

    public required TokenView OutputGradient { get; init; }

    /// <summary>The forward pass's, <c>[batch, heads, queryLength]</c>.</summary>
    public required float* LogSumExp { get; init; }

    public required TokenView QueryGradient { get; init; }

    public required TokenView KeyGradient { get; init; }

    public required TokenView ValueGradient { get; init; }

    public float* Bias { get; init; }

    public float* BiasKeyFactors { get; init; }

    public float* RowWeights { get; init; }

    public float* ColumnWeights { get; init; }

    /// <summary>Heads that hold a NaN or infinity; kernels need not compute them.</summary>
    public NonFiniteHeads NonFinite { get; set; } = NonFiniteHeads.None;
}
