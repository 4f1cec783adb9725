// The masks of cases, made from a seed. Lengths take turns between none, all and some; rows of bits between all, none, few, half and a prefix; bits beyond the last key are random, because nobody
// may read them.
using BinaryAttention;

namespace TestKit.Attention;

/// <summary>Makes masks.</summary>
public static class CaseMasks
{
    private const int BlockTokens = 64;

    /// <summary>The mask of a case, or null for none.</summary>
    public static AttentionMask? Make(AttentionCase attentionCase, int seed)
    {
        MaskParts parts = attentionCase.Mask;
        if (parts == MaskParts.None)
        {
            return null;
        }

        List<AttentionMask> masks = [];
        bool hasQueryLengths = parts.HasFlag(MaskParts.QueryLengths);
        bool hasKeyLengths = parts.HasFlag(MaskParts.KeyLengths);
        if (hasQueryLengths || hasKeyLengths)
        {
            masks.Add(AttentionMask.Lengths(hasQueryLengths ? QueryLengths(attentionCase, seed) : default, hasKeyLengths ? KeyLengths(attentionCase, seed) : default));
        }

        if (parts.HasFlag(MaskParts.Causal))
        {
            masks.Add(AttentionMask.Causal);
        }

        if ((parts & (MaskParts.Pairs | MaskParts.PairsPerHead)) != MaskParts.None)
        {
            masks.Add(AttentionMask.Boolean(Pairs(attentionCase, parts.HasFlag(MaskParts.PairsPerHead) ? attentionCase.Heads : 1, new Random(seed + 2))));
        }

        if ((parts & (MaskParts.Blocks | MaskParts.BlocksPerHead)) != MaskParts.None)
        {
            masks.Add(AttentionMask.BlockSparse(Blocks(attentionCase, parts.HasFlag(MaskParts.BlocksPerHead) ? attentionCase.Heads : 1, new Random(seed + 3))));
        }

        return masks.Aggregate(static (all, next) => all.And(next));
    }

    /// <summary>Valid queries per batch item.</summary>
    public static int[] QueryLengths(AttentionCase attentionCase, int seed) => Lengths(attentionCase.Batch, attentionCase.Queries, new Random(seed));

    /// <summary>Valid keys per batch item.</summary>
    public static int[] KeyLengths(AttentionCase attentionCase, int seed) => Lengths(attentionCase.Batch, attentionCase.Keys, new Random(seed + 1));

    private static int[] Lengths(int batch, int tokens, Random random)
    {
        int turn = random.Next(5);
        var lengths = new int[batch];
        for (int item = 0; item < batch; item++)
        {
            lengths[item] = ((turn + item) % 5) switch
            {
                0 => 0,
                1 => tokens,
                2 => Math.Min(tokens, BlockTokens),
                _ => random.Next(1, tokens + 1),
            };
        }

        return lengths;
    }

    private static ulong[] Pairs(AttentionCase c, int heads, Random random)
    {
        int wordsPerRow = (c.Keys + BlockTokens - 1) / BlockTokens;
        var words = new ulong[heads * c.Queries * wordsPerRow];
        for (int row = 0; row < heads * c.Queries; row++)
        {
            Span<ulong> bits = words.AsSpan(row * wordsPerRow, wordsPerRow);
            int form = random.Next(6);
            int prefix = random.Next(c.Keys + 1);
            for (int word = 0; word < wordsPerRow; word++)
            {
                ulong some = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                bits[word] = form switch
                {
                    0 => ulong.MaxValue,
                    1 => 0,
                    2 => some & (ulong)random.NextInt64(long.MinValue, long.MaxValue) & (ulong)random.NextInt64(long.MinValue, long.MaxValue),
                    3 => prefix >= (word + 1) * BlockTokens ? ulong.MaxValue : prefix <= word * BlockTokens ? 0 : (1UL << (prefix % BlockTokens)) - 1,
                    4 => random.Next(3) == 0 ? some : 0,
                    _ => some,
                };
            }

            // Nobody reads beyond the last key.
            if (c.Keys % BlockTokens != 0)
            {
                bits[^1] ^= (ulong)random.NextInt64(long.MinValue, long.MaxValue) << (c.Keys % BlockTokens);
            }
        }

        return words;
    }

    private static bool[] Blocks(AttentionCase c, int heads, Random random)
    {
        int queryBlocks = (c.Queries + BlockTokens - 1) / BlockTokens;
        int keyBlocks = (c.Keys + BlockTokens - 1) / BlockTokens;
        var blocks = new bool[heads * queryBlocks * keyBlocks];
        int allowed = random.Next(1, 4);
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = random.Next(4) < allowed;
        }

        return blocks;
    }
}
