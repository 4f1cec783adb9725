// A mask whose sizes were checked against the call. Lengths are copies, because kernels index memory by them; bits and blocks are read where they lie and cannot lead out of bounds.
namespace BinaryAttention.Kernels;

internal sealed record KeyMask
{
    /// <summary>Queries or keys of one block of a block-sparse mask, and keys of one word of a boolean mask.</summary>
    public const int BlockTokens = Bits.KeyCodes.BlockKeys;

    public static KeyMask None { get; } = new();

    public bool IsCausal { get; init; }

    /// <summary>Valid query tokens per batch item, or null.</summary>
    public int[]? QueryLengths { get; init; }

    /// <summary>Valid key tokens per batch item, or null.</summary>
    public int[]? KeyLengths { get; init; }

    /// <summary>Allowed pairs, <c>[heads|1, queryLength, words]</c>, or empty.</summary>
    public ReadOnlyMemory<ulong> Pairs { get; init; }

    /// <summary>Allowed blocks, <c>[heads|1, query blocks, key blocks]</c>, or empty.</summary>
    public ReadOnlyMemory<bool> Blocks { get; init; }

    /// <summary>Whether keys within a row's leading ones may be masked.</summary>
    public bool HasGaps => !Pairs.IsEmpty || !Blocks.IsEmpty;

    public bool IsEmpty => !IsCausal && QueryLengths is null && KeyLengths is null && !HasGaps;
}
