namespace BinaryAttention;

/// <summary>
/// Which keys a query may attend to. Masks combine with <see cref="And"/>: a pair is allowed when every part allows it. A masked pair takes no part in its row: neither its key nor its value is
/// seen. A row without an allowed key gives zeros and log-sum-exp -infinity.
/// Lengths mark padding, whose tokens take no part in means and scales either; the other masks do not change the means: in one-bit attention the mean magnitudes and the 8-bit value scales of a
/// causal call still run over all tokens. Who must not look ahead uses per-token or learned weights and <see cref="ValueQuantization.Full"/>. The memory given must not change while it is in use.
/// </summary>
public sealed record AttentionMask
{
    private AttentionMask()
    {
    }

    /// <summary>Query i sees keys up to <c>i + keyLength - queryLength</c> (bottom-right aligned), whatever <see cref="QueryLengths"/> and <see cref="KeyLengths"/> are.</summary>
    public static AttentionMask Causal { get; } = new() { IsCausal = true };

    /// <summary>Whether the causal rule applies.</summary>
    public bool IsCausal { get; private init; }

    /// <summary>Valid query tokens per batch item; empty when all are valid.</summary>
    public ReadOnlyMemory<int> QueryLengths { get; private init; }

    /// <summary>Valid key tokens per batch item; empty when all are valid.</summary>
    public ReadOnlyMemory<int> KeyLengths { get; private init; }

    /// <summary>Allowed pairs as bits, <c>[heads|1, queryLength, ceil(keyLength / 64)]</c> words, key j at bit <c>j mod 64</c> of word <c>j / 64</c>; empty when all are allowed.</summary>
    public ReadOnlyMemory<ulong> AllowedPairs { get; private init; }

    /// <summary>Allowed blocks of 64 x 64 pairs, <c>[heads|1, ceil(queryLength / 64), ceil(keyLength / 64)]</c>; empty when all are allowed. Blocks that are not allowed cost nothing.</summary>
    public ReadOnlyMemory<bool> AllowedBlocks { get; private init; }

    /// <summary>Padding given by the number of valid tokens of each batch item.</summary>
    /// <param name="queryLengths">One length per batch item, or empty.</param>
    /// <param name="keyLengths">One length per batch item, or empty.</param>
    /// <exception cref="ArgumentException">Both are empty.</exception>
    public static AttentionMask Lengths(ReadOnlyMemory<int> queryLengths, ReadOnlyMemory<int> keyLengths) => queryLengths.IsEmpty && keyLengths.IsEmpty
        ? throw new ArgumentException("queryLengths and keyLengths are both empty. Give one length per batch item, or use no mask at all.", nameof(keyLengths))
        : new() { QueryLengths = queryLengths, KeyLengths = keyLengths };

    /// <summary>A bit per pair, 1 = allowed.</summary>
    /// <param name="allowedPairs"><c>[heads|1, queryLength, ceil(keyLength / 64)]</c> words.</param>
    /// <exception cref="ArgumentException"><paramref name="allowedPairs"/> is empty.</exception>
    public static AttentionMask Boolean(ReadOnlyMemory<ulong> allowedPairs) => new() { AllowedPairs = NotEmpty(allowedPairs, nameof(allowedPairs)) };

    /// <summary>A flag per block of 64 x 64 pairs, true = allowed.</summary>
    /// <param name="allowedBlocks"><c>[heads|1, ceil(queryLength / 64), ceil(keyLength / 64)]</c> flags.</param>
    /// <exception cref="ArgumentException"><paramref name="allowedBlocks"/> is empty.</exception>
    public static AttentionMask BlockSparse(ReadOnlyMemory<bool> allowedBlocks) => new() { AllowedBlocks = NotEmpty(allowedBlocks, nameof(allowedBlocks)) };

    /// <summary>Both masks at once: a pair is allowed when both allow it.</summary>
    /// <param name="other">The mask to add.</param>
    /// <exception cref="ArgumentException">Both masks give the same part (lengths, bits or blocks).</exception>
    public AttentionMask And(AttentionMask other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new AttentionMask
        {
            IsCausal = IsCausal || other.IsCausal,
            QueryLengths = OneOf(QueryLengths, other.QueryLengths, nameof(QueryLengths)),
            KeyLengths = OneOf(KeyLengths, other.KeyLengths, nameof(KeyLengths)),
            AllowedPairs = OneOf(AllowedPairs, other.AllowedPairs, nameof(AllowedPairs)),
            AllowedBlocks = OneOf(AllowedBlocks, other.AllowedBlocks, nameof(AllowedBlocks)),
        };
    }

    // An empty part means that nothing is masked; a mask made from an empty buffer is a mistake, not that wish.
    private static ReadOnlyMemory<T> NotEmpty<T>(ReadOnlyMemory<T> part, string parameter) =>
        part.IsEmpty ? throw new ArgumentException($"{parameter} is empty. Give one entry per pair or block, or use no mask at all.", parameter) : part;

    private static ReadOnlyMemory<T> OneOf<T>(ReadOnlyMemory<T> mine, ReadOnlyMemory<T> others, string part)
    {
        if (!mine.IsEmpty && !others.IsEmpty)
        {
            throw new ArgumentException($"Both masks give {part}; only one may. Merge the two into one mask first.", nameof(others));
        }

        return mine.IsEmpty ? others : mine;
    }
}
