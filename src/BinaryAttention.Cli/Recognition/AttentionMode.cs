namespace BinaryAttention.Cli.Recognition;

/// <summary>How a classifier computes attention.</summary>
internal enum AttentionMode
{
    Exact = 0,

    /// <summary>
    /// One-bit queries and keys without calibration, with per-head mean magnitudes: naive in a model trained with exact attention, its own in one trained with
    /// one-bit attention.
    /// </summary>
    NaiveBinary = 1,

    /// <summary>One-bit queries and keys by the codes of a calibrated checkpoint.</summary>
    Calibrated = 2,

    /// <summary>The best one-bit attention that the checkpoint has: its codes if it is calibrated, else <see cref="NaiveBinary"/>. Never the mode of a loaded model.</summary>
    Binary = 3,

    /// <summary>Signed 8-bit queries and keys.</summary>
    EightBit = 4,
}
