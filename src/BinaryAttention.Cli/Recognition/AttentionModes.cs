namespace BinaryAttention.Cli.Recognition;

/// <summary>The names of the modes on the command line and in JSON.</summary>
internal static class AttentionModes
{
    public const string ExactName = "exact";

    public const string NaiveBinaryName = "naive-binary";

    public static string NameOf(AttentionMode mode) => mode == AttentionMode.Exact ? ExactName : NaiveBinaryName;

    public static AttentionMode Parse(string name) => name switch
    {
        ExactName => AttentionMode.Exact,
        NaiveBinaryName => AttentionMode.NaiveBinary,
        _ => throw new BadInputException($"--attention is \"{name}\"; {ExactName} or {NaiveBinaryName} is expected."),
    };
}
