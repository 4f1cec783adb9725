// How long the stages of forward passes took, for benchmarks: ticks of the stopwatch on the calling thread. For one caller at a time.
namespace BinaryAttention.Models.Layers;

internal sealed class StageTimes
{
    /// <summary>Patches, from pixels to tokens.</summary>
    public long Embedding { get; set; }

    /// <summary>Attention alone, with its packing.</summary>
    public long Attention { get; set; }

    /// <summary>Everything between attentions: linear layers, norms, activations, residuals.</summary>
    public long Rows { get; set; }

    public long All => Embedding + Attention + Rows;
}
