namespace TestKit.Ptx;

/// <summary>One decoded instruction.</summary>
internal sealed class PtxInstruction
{
    public required int Line { get; init; }

    public required string Text { get; init; }

    public required PtxInstructionClass Class { get; init; }

    /// <summary>Register of the guard, or -1.</summary>
    public required int Guard { get; init; }

    public required bool IsGuardNegated { get; init; }

    /// <summary>All lanes of the warp must take part.</summary>
    public required bool NeedsAllLanes { get; init; }

    /// <summary>What it does in the lanes of a mask.</summary>
    public required Action<PtxWarp, uint, PtxInstruction> Execute { get; init; }

    public required Func<int, string> NameOf { get; init; }

    public string Where => $"line {Line} ({Text})";
}
