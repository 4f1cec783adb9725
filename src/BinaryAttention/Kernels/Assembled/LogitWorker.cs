// What one worker of fixed-point log mode needs beside its tiles: the item's row factors, weights and biases in fixed point.
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class LogitWorker : IDisposable
{
    private readonly NativeBuffer _memory;

    public LogitWorker(in TilePlan plan, AttentionSpecification specification, int relativeWords)
    {
        Tiles = new AssembledScratch(plan);
        PaddedKeys = KeyCodes.Blocks(plan.KeyLength) * KeyCodes.BlockKeys;
        long words = (long)PaddedKeys * sizeof(short);
        long biasRows = specification.HasBias ? (long)PaddedKeys * sizeof(float) : 0;
        long relative = relativeWords == 0 ? 0 : (relativeWords + PaddedKeys + RelativeWords.Slack) * (long)sizeof(short);
        _memory = new NativeBuffer((2 * words) + biasRows + (2L * plan.ItemQueries * sizeof(double)) + relative);
        KeyWeights = (short*)_memory.Pointer;
        KeyBias = KeyWeights + PaddedKeys;
        BiasRow = (float*)(KeyBias + PaddedKeys);
        RowFactors = (double*)((byte*)BiasRow + biasRows);
        NoSlopes = RowFactors + plan.ItemQueries;
        RelativeTable = (short*)(NoSlopes + plan.ItemQueries);
        RelativeRow = RelativeTable + relativeWords;
    }

    public AssembledScratch Tiles { get; }

    public int PaddedKeys { get; }

    public short* KeyWeights { get; }

    public short* KeyBias { get; }

    /// <summary>Room for one bias row in float.</summary>
    public float* BiasRow { get; }

    /// <summary>Row weight times key weight (the largest, where keys have their own) times scale, in octaves.</summary>
    public double* RowFactors { get; }

    /// <summary>Zeros: no query is reversed.</summary>
    public double* NoSlopes { get; }

    /// <summary>A head's relative-position table in fixed point, and one row of it.</summary>
    public short* RelativeTable { get; }

    public short* RelativeRow { get; }

    /// <summary>Which head's table that is, and in which units.</summary>
    public int RelativeHead { get; set; } = -1;

    public int RelativeBits { get; set; }

    public double LargestKeyWeight { get; set; }

    public double LargestRow { get; set; }

    /// <summary>Units of the current head or tile; 0 if its logits do not fit.</summary>
    public int FractionBits { get; private set; }

    public int MaskedBelow { get; private set; }

    public void SetBounds(int fractionBits, double signPart, double bias)
    {
        FractionBits = fractionBits;
        MaskedBelow = -(int)((signPart + bias) * (1 << fractionBits)) - 8;
    }

    public void Dispose()
    {
        Tiles.Dispose();
        _memory.Dispose();
    }
}
