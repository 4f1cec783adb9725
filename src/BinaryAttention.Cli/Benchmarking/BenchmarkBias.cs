// A bias of each kind with standard-normal values, and its value for one pair in plain words for the check of results.
using System.Globalization;

namespace BinaryAttention.Cli.Benchmarking;

internal static class BenchmarkBias
{
    public static AttentionBias? Create(string kind, in AttentionShape shape, int seed)
    {
        var random = new Random(seed);
        switch (kind)
        {
            case "none":
                return null;
            case "key":
                return AttentionBias.PerKey(GaussianInputs.Normal(random, (long)shape.HeadCount * shape.KeyLength, "bias"), 1, shape.HeadCount, shape.KeyLength);
            case "dense":
                return AttentionBias.Dense(GaussianInputs.Normal(random, (long)shape.HeadCount * shape.QueryLength * shape.KeyLength, "bias"), 1, shape.HeadCount, shape.QueryLength, shape.KeyLength);
            case "relative":
                (int side, bool hasClassToken) = SquareGrid(shape);
                long rows = (((2L * side) - 1) * ((2L * side) - 1)) + (hasClassToken ? 3 : 0);
                return AttentionBias.RelativePosition(GaussianInputs.Normal(random, rows * shape.HeadCount, "bias"), shape.HeadCount, side, side, hasClassToken);
            default:
                throw new BadInputException($"--bias is \"{kind}\"; one of none, relative, dense, key is expected.");
        }
    }

    /// <summary>The bias of one pair, read as the documentation of <see cref="AttentionBias"/> describes each kind.</summary>
    public static double At(AttentionBias? bias, int head, int query, int key)
    {
        if (bias is null)
        {
            return 0;
        }

        ReadOnlySpan<float> values = bias.Values.Span;
        switch (bias.Kind)
        {
            case AttentionBiasKind.PerKey:
                return values[(head * bias.KeyLength) + key];
            case AttentionBiasKind.Dense:
                return values[checked((((head * bias.QueryLength) + query) * bias.KeyLength) + key)];
            default:
                return values[(RelativeRow(bias, query, key) * bias.HeadCount) + head];
        }
    }

    private static int RelativeRow(AttentionBias bias, int query, int key)
    {
        int spanX = (2 * bias.GridWidth) - 1;
        int gridRows = ((2 * bias.GridHeight) - 1) * spanX;
        int first = bias.HasClassToken ? 1 : 0;
        bool fromClass = query < first;
        bool toClass = key < first;
        if (fromClass || toClass)
        {
            return gridRows + (fromClass && toClass ? 2 : fromClass ? 0 : 1);
        }

        (int queryY, int queryX) = Math.DivRem(query - first, bias.GridWidth);
        (int keyY, int keyX) = Math.DivRem(key - first, bias.GridWidth);
        return ((queryY - keyY + bias.GridHeight - 1) * spanX) + (queryX - keyX + bias.GridWidth - 1);
    }

    private static (int Side, bool HasClassToken) SquareGrid(in AttentionShape shape)
    {
        int tokens = shape.QueryLength;
        if (shape.KeyLength == tokens)
        {
            foreach (int classTokens in (int[])[0, 1])
            {
                int side = (int)Math.Round(Math.Sqrt(tokens - classTokens));
                if (side >= 1 && side * side == tokens - classTokens)
                {
                    return (side, classTokens == 1);
                }
            }
        }

        string lengths = tokens == shape.KeyLength ? tokens.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{tokens} x {shape.KeyLength}");
        throw new BadInputException($"--bias relative needs a square grid of tokens, s * s or s * s + 1 with a class token; the shape has {lengths}. Use a length such as 196, 197 or 1024, or another bias.");
    }
}
