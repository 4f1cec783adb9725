namespace BinaryAttention.Cli.Recognition;

/// <summary>The names of the modes on the command line and in JSON.</summary>
internal static class AttentionModes
{
    public const string ExactName = "exact";

    public const string EightBitName = "eight-bit";

    public const string NaiveBinaryName = "naive-binary";

    public const string CalibratedName = "calibrated";

    /// <summary>Calibrated or naive, as the checkpoint is.</summary>
    public const string BinaryName = "binary";

    /// <summary>What holds for a checkpoint with relative-position tables, whatever ran.</summary>
    public const string TrainedOneBitRemark =
        "This checkpoint holds relative-position tables, i.e. it was trained with one-bit attention. One-bit attention is its own; exact attention (the exact column) is the foreign one.";

    public static string NameOf(AttentionMode mode) => mode switch
    {
        AttentionMode.Exact => ExactName,
        AttentionMode.EightBit => EightBitName,
        AttentionMode.Calibrated => CalibratedName,
        _ => NaiveBinaryName,
    };

    /// <summary>The name of a mode in text for people. A model trained with one-bit attention is not binarised naively.</summary>
    public static string TitleOf(AttentionMode mode, bool isTrainedOneBit) => mode == AttentionMode.NaiveBinary && isTrainedOneBit ? "one-bit" : NameOf(mode);

    public static AttentionMode Parse(string name) => name switch
    {
        ExactName => AttentionMode.Exact,
        EightBitName => AttentionMode.EightBit,
        NaiveBinaryName => AttentionMode.NaiveBinary,
        BinaryName => AttentionMode.Binary,
        _ => throw new BadInputException($"--attention is \"{name}\"; {ExactName}, {EightBitName}, {BinaryName} or {NaiveBinaryName} is expected."),
    };
}
