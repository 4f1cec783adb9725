namespace BinaryAttention.Cli.Recognition;

/// <summary>How a classifier computes attention.</summary>
internal enum AttentionMode
{
    Exact = 0,

    /// <summary>One-bit queries and keys in a model trained with exact attention: no calibration, no training, per-head mean magnitudes.</summary>
    NaiveBinary = 1,
}
