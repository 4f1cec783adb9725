// The biases of cases, made from a seed.
using BinaryAttention;

namespace TestKit.Attention;

/// <summary>Makes biases.</summary>
public static class CaseBiases
{
    private const int Rank = 3;

    /// <summary>The bias of a case, or null for none.</summary>
    public static AttentionBias? Make(AttentionCase attentionCase, int seed)
    {
        AttentionCase c = attentionCase;
        switch (c.Bias)
        {
            case BiasForm.None:
                return null;
            case BiasForm.PerKeyShared:
                return AttentionBias.PerKey(Inputs.Gaussian(seed, c.Keys), 1, 1, c.Keys);
            case BiasForm.PerKeyFull:
                float[] perKey = Inputs.Gaussian(seed, c.Batch * c.Heads * c.Keys);
                for (int i = 1; i < perKey.Length; i += 3)
                {
                    perKey[i] = float.NegativeInfinity;
                }

                return AttentionBias.PerKey(perKey, c.Batch, c.Heads, c.Keys);
            case BiasForm.DenseShared:
                return Dense(c, 1, 1, seed);
            case BiasForm.DensePerHead:
                return Dense(c, 1, c.Heads, seed);
            case BiasForm.DensePerBatch:
                return Dense(c, c.Batch, 1, seed);
            case BiasForm.DenseFull:
                return Dense(c, c.Batch, c.Heads, seed);
            case BiasForm.DenseMasked:
                return AttentionBias.Dense(Masked(Inputs.Gaussian(seed, c.Batch * c.Heads * c.Queries * c.Keys), c.Keys), c.Batch, c.Heads, c.Queries, c.Keys);
            case BiasForm.LowRankShared:
                return LowRank(c, 1, 1, seed);
            case BiasForm.LowRankFull:
                return LowRank(c, c.Batch, c.Heads, seed);
            default:
                return Relative(c, seed);
        }
    }

    /// <summary>Whether the form is a relative-position table, which wants as many queries as keys.</summary>
    public static bool IsRelative(BiasForm form) => form is BiasForm.Relative or BiasForm.RelativeWithClass or BiasForm.RelativeShared;

    private static AttentionBias Dense(AttentionCase c, int batch, int heads, int seed) => AttentionBias.Dense(Inputs.Gaussian(seed, batch * heads * c.Queries * c.Keys), batch, heads, c.Queries, c.Keys);

    private static AttentionBias LowRank(AttentionCase c, int batch, int heads, int seed) => AttentionBias.LowRank(
        Inputs.Gaussian(seed, batch * heads * c.Queries * Rank), Inputs.Gaussian(seed + 1, batch * heads * c.Keys * Rank), batch, heads, c.Queries, c.Keys, Rank);

    private static AttentionBias Relative(AttentionCase c, int seed)
    {
        bool hasClass = c.Bias != BiasForm.Relative && c.Keys > 1; // a grid has at least one token
        int heads = c.Bias == BiasForm.RelativeShared ? 1 : c.Heads;
        int tokens = hasClass ? c.Keys - 1 : c.Keys;
        int height = (int)Math.Sqrt(tokens);
        while (tokens % height != 0)
        {
            height--;
        }

        int width = tokens / height;
        int rows = (((2 * height) - 1) * ((2 * width) - 1)) + (hasClass ? 3 : 0);
        return AttentionBias.RelativePosition(Inputs.Gaussian(seed, rows * heads), heads, height, width, hasClass);
    }

    private static float[] Masked(float[] values, int keys)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (i % 3 == 1 || i / keys % 4 == 2)
            {
                values[i] = float.NegativeInfinity;
            }
        }

        return values;
    }
}
