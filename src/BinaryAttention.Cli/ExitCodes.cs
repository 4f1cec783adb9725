namespace BinaryAttention.Cli;

/// <summary>What the process answers to the shell.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>Something failed that better input would not have prevented.</summary>
    public const int Failure = 1;

    /// <summary>Usage errors, bad arguments, missing or malformed files.</summary>
    public const int BadInput = 2;

    /// <summary>Ctrl-C: 128 plus the number of the interrupt signal.</summary>
    public const int Interrupted = 130;
}
