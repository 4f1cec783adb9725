// One operand as the reference code holds it: a dense managed copy [batch, heads, tokens, dimension], whatever the caller's layout and strides were.
using BinaryAttention.Shapes;

namespace BinaryAttention.Reference;

internal sealed class ReferenceOperand(float[] values, int batchSize, int headCount, int tokenCount, int dimension)
{
    public int HeadCount { get; } = headCount;

    public int TokenCount { get; } = tokenCount;

    public int Dimension { get; } = dimension;

    public int Length => batchSize * HeadCount * TokenCount * Dimension;

    public static unsafe ReferenceOperand Copy(TokenView view, int batchSize, int headCount, int tokenCount, int dimension)
    {
        var values = new float[checked(batchSize * headCount * tokenCount * dimension)];
        var copy = new ReferenceOperand(values, batchSize, headCount, tokenCount, dimension);
        for (int batch = 0; batch < batchSize; batch++)
        {
            for (int head = 0; head < headCount; head++)
            {
                for (int token = 0; token < tokenCount; token++)
                {
                    new ReadOnlySpan<float>(view.Token(batch, head, token), dimension).CopyTo(values.AsSpan(copy.Offset(batch, head, token)));
                }
            }
        }

        return copy;
    }

    /// <summary>Index of a token's first channel.</summary>
    public int Offset(int batch, int head, int token) => ((((batch * HeadCount) + head) * TokenCount) + token) * Dimension;

    /// <summary>All tokens of one head in double.</summary>
    public double[] Head(int batch, int head) => Array.ConvertAll(values.AsSpan(Offset(batch, head, 0), TokenCount * Dimension).ToArray(), static x => (double)x);

    /// <summary>All elements, row-major.</summary>
    public ReadOnlySpan<float> All => values;

    public ReadOnlySpan<float> Token(int batch, int head, int token) => values.AsSpan(Offset(batch, head, token), Dimension);
}
