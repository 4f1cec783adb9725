namespace BinaryAttention.Models.Training.Configuration;

/// <summary>Which attention is trained and, with the same options, measured.</summary>
public sealed record AttentionSection
{
    /// <summary><c>exact</c>, <c>binary</c>, or <c>calibrated</c> (the codes of a checkpoint from <c>binattn calibrate</c>).</summary>
    public string Kind { get; set; } = "exact";

    /// <summary>Scale of the signs: <c>per-head</c> (mean magnitudes of queries and keys) or <c>none</c> (signs alone).</summary>
    public string Weighting { get; set; } = "per-head";

    /// <summary>Learned bias of the logits: <c>none</c> or <c>relative</c> (a table by the offset of two patches).</summary>
    public string Bias { get; set; } = "none";

    /// <summary>Probabilities and values: <c>full</c> (float32), <c>tiled</c> (8 bits as the fast kernels run) or <c>training-parity</c> (8 bits as the published checkpoints were trained).</summary>
    public string Quantization { get; set; } = "full";
}
