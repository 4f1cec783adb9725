// One (batch, head) as raw pointers and numbers: what the code between two runs of a kernel touches for every tile. Filled once per work item, because at short lengths a tile takes a
// fraction of a microsecond and looking operands up through objects costs as much as the attention itself.
namespace BinaryAttention.Kernels.Assembled;

internal unsafe struct HeadOperands
{
    /// <summary>Sign words of query 0, and words per query.</summary>
    public ulong* QueryWords;
    public int WordsPerQuery;

    /// <summary>Valid bits of the last word.</summary>
    public ulong LastWordMask;

    /// <summary>Slopes of the work item's queries, <see cref="FirstQuery"/> first: row weight times key weight times logit scale.</summary>
    public double* Slopes;
    public int FirstQuery;

    /// <summary>The (batch, query head) pair.</summary>
    public int Head;

    public int HeadDimension;
    public int KeyLength;

    public byte* Codes;

    /// <summary>Fixed-point key weights and per-key bias, or null.</summary>
    public short* KeyWeights;
    public short* KeyBias;

    public sbyte* Levels;
    public long PanelBytes;
    public int Panels;
    public float* Scales;
    public float* Means;
    public int ValueDimension;

    /// <summary>Output of query 0, and elements from query to query.</summary>
    public float* Output;
    public nint OutputStride;

    /// <summary>Log-sum-exp of query 0, or null.</summary>
    public float* LogSumExp;
}
