namespace GoldenVectors.Checkers.Attention;

/// <summary>Sizes of an attention module call; token 0 is the class token, the others lie on the grid.</summary>
internal sealed record AttentionModuleSizes(int BatchSize, int TokenCount, int HeadCount, int HeadDimension, int GridHeight, int GridWidth)
{
    public int Width => HeadCount * HeadDimension;

    /// <summary>Index in a [batch, heads, tokens, headDimension] array.</summary>
    public int InHeads(int batch, int head, int token) => ((((batch * HeadCount) + head) * TokenCount) + token) * HeadDimension;

    /// <summary>Takes part 0 (query), 1 (key) or 2 (value) out of [batch, tokens, 3 * width].</summary>
    public double[] Split(double[] joined, int part)
    {
        var heads = new double[BatchSize * TokenCount * Width];
        ForEachHeadToken((batch, head, token) =>
            Array.Copy(joined, (((batch * TokenCount) + token) * 3 * Width) + (part * Width) + (head * HeadDimension), heads, InHeads(batch, head, token), HeadDimension));
        return heads;
    }

    /// <summary>The inverse of <see cref="Split"/> for all three parts.</summary>
    public double[] Join(double[] query, double[] key, double[] value)
    {
        var joined = new double[BatchSize * TokenCount * 3 * Width];
        double[][] parts = [query, key, value];
        for (int part = 0; part < parts.Length; part++)
        {
            double[] source = parts[part];
            int shift = part * Width;
            ForEachHeadToken((batch, head, token) =>
                Array.Copy(source, InHeads(batch, head, token), joined, (((batch * TokenCount) + token) * 3 * Width) + shift + (head * HeadDimension), HeadDimension));
        }

        return joined;
    }

    /// <summary>[batch, heads, tokens, headDimension] to [batch, tokens, width].</summary>
    public double[] Merge(double[] heads)
    {
        var merged = new double[heads.Length];
        ForEachHeadToken((batch, head, token) =>
            Array.Copy(heads, InHeads(batch, head, token), merged, (((batch * TokenCount) + token) * Width) + (head * HeadDimension), HeadDimension));
        return merged;
    }

    /// <summary>The inverse of <see cref="Merge"/>.</summary>
    public double[] Unmerge(double[] merged)
    {
        var heads = new double[merged.Length];
        ForEachHeadToken((batch, head, token) =>
            Array.Copy(merged, (((batch * TokenCount) + token) * Width) + (head * HeadDimension), heads, InHeads(batch, head, token), HeadDimension));
        return heads;
    }

    private void ForEachHeadToken(Action<int, int, int> action)
    {
        for (int batch = 0; batch < BatchSize; batch++)
        {
            for (int head = 0; head < HeadCount; head++)
            {
                for (int token = 0; token < TokenCount; token++)
                {
                    action(batch, head, token);
                }
            }
        }
    }
}
