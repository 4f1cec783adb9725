namespace TestKit.Ptx;

/// <summary>Warp instructions executed, by class.</summary>
public sealed class PtxCounts
{
    private readonly long[] _counts = new long[Enum.GetValues<PtxInstructionClass>().Length];

    public long Total => _counts.Sum();

    public long this[PtxInstructionClass instructionClass] => _counts[(int)instructionClass];

    public override string ToString() => string.Join(", ", Enum.GetValues<PtxInstructionClass>().Where(c => this[c] != 0).Select(c => $"{c} {this[c]}"));

    internal long Steps { get; set; }

    internal void Add(PtxInstructionClass instructionClass) => _counts[(int)instructionClass]++;
}
