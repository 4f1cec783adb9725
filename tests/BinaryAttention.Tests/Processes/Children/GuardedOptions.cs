// Options whose every array lies flush against an inaccessible page: bias values and factors, mask words, blocks and lengths, learned weights, centres, rotations and temperatures.
using TestKit;

namespace BinaryAttention.Tests.Processes.Children;

internal sealed class GuardedOptions(GuardSide side) : IDisposable
{
    private readonly List<IDisposable> _memories = [];

    /// <summary>The same options with all memory guarded until this object is disposed.</summary>
    public AttentionOptions Guard(AttentionOptions options) => options with { Bias = Guard(options.Bias), Mask = Guard(options.Mask) };

    /// <summary>The same options with all memory guarded until this object is disposed.</summary>
    public BinaryAttentionOptions Guard(BinaryAttentionOptions options) => options with
    {
        Bias = Guard(options.Bias),
        Mask = Guard(options.Mask),
        Weighting = options.Weighting.Rows == SignWeightingMode.Learned ? SignWeighting.Learned(Copy(options.Weighting.RowWeights), Copy(options.Weighting.ColumnWeights)) : options.Weighting,
        Calibration = options.Calibration is not { } calibration ? null : new AttentionCalibration
        {
            QueryCentre = Copy(calibration.QueryCentre), KeyCentre = Copy(calibration.KeyCentre), Rotation = Copy(calibration.Rotation), Temperature = Copy(calibration.Temperature),
        },
    };

    public void Dispose() => _memories.ForEach(memory => memory.Dispose());

    private AttentionMask? Guard(AttentionMask? mask)
    {
        if (mask is null)
        {
            return null;
        }

        List<AttentionMask> parts = [];
        if (!mask.QueryLengths.IsEmpty || !mask.KeyLengths.IsEmpty)
        {
            parts.Add(AttentionMask.Lengths(Copy(mask.QueryLengths), Copy(mask.KeyLengths)));
        }

        if (mask.IsCausal)
        {
            parts.Add(AttentionMask.Causal);
        }

        if (!mask.AllowedPairs.IsEmpty)
        {
            parts.Add(AttentionMask.Boolean(Copy(mask.AllowedPairs)));
        }

        if (!mask.AllowedBlocks.IsEmpty)
        {
            parts.Add(AttentionMask.BlockSparse(Copy(mask.AllowedBlocks)));
        }

        return parts.Aggregate(static (all, next) => all.And(next));
    }

    private AttentionBias? Guard(AttentionBias? bias) => bias?.Kind switch
    {
        null => null,
        AttentionBiasKind.PerKey => AttentionBias.PerKey(Copy(bias.Values), bias.BatchSize, bias.HeadCount, bias.KeyLength),
        AttentionBiasKind.Dense => AttentionBias.Dense(Copy(bias.Values), bias.BatchSize, bias.HeadCount, bias.QueryLength, bias.KeyLength),
        AttentionBiasKind.LowRank => AttentionBias.LowRank(Copy(bias.Values), Copy(bias.KeyFactors), bias.BatchSize, bias.HeadCount, bias.QueryLength, bias.KeyLength, bias.Rank),
        _ => AttentionBias.RelativePosition(Copy(bias.Values), bias.HeadCount, bias.GridHeight, bias.GridWidth, bias.HasClassToken),
    };

    private ReadOnlyMemory<T> Copy<T>(ReadOnlyMemory<T> values)
        where T : unmanaged
    {
        if (values.IsEmpty)
        {
            return values;
        }

        GuardedMemory<T> memory = GuardedMemory<T>.Copy(values.Span, side);
        _memories.Add(memory);
        return memory.Memory;
    }
}
