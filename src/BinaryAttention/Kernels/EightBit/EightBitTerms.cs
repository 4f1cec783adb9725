// What the logits of one row are made of, and the row in double for logits that do not all fit float32: finite operands must not give NaN. Rare, so a plain loop.
namespace BinaryAttention.Kernels.EightBit;

internal readonly unsafe struct EightBitTerms
{
    public required float QueryScale { get; init; }

    public required float LogitScale { get; init; }

    /// <summary>One scale per selected key.</summary>
    public required float* KeyScales { get; init; }

    /// <summary>One product of levels per selected key.</summary>
    public required int* Dots { get; init; }

    /// <summary>One bias per selected key, or null.</summary>
    public required float* Bias { get; init; }

    /// <summary>Fills exp(logit - rowMax) and gives their sum; zeros and 0 for a row without an allowed key.</summary>
    public float Exponentials(int keys, ulong* words, float* exponentials, out double rowMax)
    {
        rowMax = double.NegativeInfinity;
        for (int key = 0; key < keys; key++)
        {
            rowMax = Math.Max(rowMax, Logit(key, words));
        }

        double sum = 0;
        for (int key = 0; key < keys; key++)
        {
            double logit = Logit(key, words);
            double exponential = double.IsNegativeInfinity(logit) ? 0 : Math.Exp(logit - rowMax);
            exponentials[key] = (float)exponential;
            sum += exponential;
        }

        return (float)sum;
    }

    private double Logit(int key, ulong* words) =>
        words is not null && ((words[key / 64] >> (key % 64)) & 1) == 0
            ? double.NegativeInfinity
            : ((double)QueryScale * LogitScale * KeyScales[key] * Dots[key]) + (Bias is null ? 0 : Bias[key]);
}
