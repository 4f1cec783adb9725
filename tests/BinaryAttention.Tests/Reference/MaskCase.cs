// A mask of each form with its rule written from the documentation, not from the library.
namespace BinaryAttention.Tests.Reference;

internal sealed record MaskCase(AttentionMask Mask, Func<int, int, int, bool>? Allows, int[]? QueryLengths, int[]? KeyLengths)
{
    public static readonly string[] Names =
        ["causal", "query lengths", "key lengths", "bits", "bits per head", "blocks", "blocks per head", "causal and lengths", "bits per head and blocks", "everything"];

    /// <summary>Makes the named mask for a shape of two batch items.</summary>
    public static MaskCase Make(string name, AttentionShape shape)
    {
        var causal = new MaskCase(AttentionMask.Causal, (_, query, key) => key - query <= shape.KeyLength - shape.QueryLength, null, null);
        int[] queryLengths = [shape.QueryLength, shape.QueryLength / 2];
        int[] keyLengths = [0, (shape.KeyLength * 2 / 3) + 1];
        return name switch
        {
            "causal" => causal,
            "query lengths" => new MaskCase(AttentionMask.Lengths(queryLengths, default), null, queryLengths, null),
            "key lengths" => new MaskCase(AttentionMask.Lengths(default, keyLengths), null, null, keyLengths),
            "bits" => Bits(shape, isPerHead: false),
            "bits per head" => Bits(shape, isPerHead: true),
            "blocks" => Blocks(shape, isPerHead: false),
            "blocks per head" => Blocks(shape, isPerHead: true),
            "causal and lengths" => Both(causal, new MaskCase(AttentionMask.Lengths(queryLengths, keyLengths), null, queryLengths, keyLengths)),
            "bits per head and blocks" => Both(Bits(shape, isPerHead: true), Blocks(shape, isPerHead: false)),
            "everything" => Both(Both(causal, new MaskCase(AttentionMask.Lengths(queryLengths, keyLengths), null, queryLengths, keyLengths)), Both(Blocks(shape, isPerHead: true), Bits(shape, isPerHead: false))),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "Expected one of Names."),
        };
    }

    // About half of the pairs by a rule that no pattern of words or blocks follows; query 3 sees nothing.
    private static MaskCase Bits(AttentionShape shape, bool isPerHead)
    {
        bool Allows(int head, int query, int key) => query != 3 && ((key * key) + (3 * query) + (isPerHead ? 5 * head : 0)) % 7 < 4;
        int words = (shape.KeyLength + 63) / 64;
        var bits = new ulong[(isPerHead ? shape.HeadCount : 1) * shape.QueryLength * words];
        for (int row = 0; row < bits.Length / words; row++)
        {
            for (int key = 0; key < shape.KeyLength; key++)
            {
                bits[(row * words) + (key / 64)] |= Allows(row / shape.QueryLength, row % shape.QueryLength, key) ? 1UL << (key % 64) : 0;
            }
        }

        return new MaskCase(AttentionMask.Boolean(bits), Allows, null, null);
    }

    private static MaskCase Blocks(AttentionShape shape, bool isPerHead)
    {
        bool Allows(int head, int queryBlock, int keyBlock) => (queryBlock + keyBlock + (isPerHead ? head : 0)) % 3 != 1;
        int queryBlocks = (shape.QueryLength + 63) / 64;
        int keyBlocks = (shape.KeyLength + 63) / 64;
        bool[] blocks =
        [
            .. from head in Enumerable.Range(0, isPerHead ? shape.HeadCount : 1)
               from queryBlock in Enumerable.Range(0, queryBlocks)
               from keyBlock in Enumerable.Range(0, keyBlocks)
               select Allows(head, queryBlock, keyBlock),
        ];
        return new MaskCase(AttentionMask.BlockSparse(blocks), (head, query, key) => Allows(head, query / 64, key / 64), null, null);
    }

    private static MaskCase Both(MaskCase left, MaskCase right) => new(
        left.Mask.And(right.Mask),
        (head, query, key) => (left.Allows?.Invoke(head, query, key) ?? true) && (right.Allows?.Invoke(head, query, key) ?? true),
        left.QueryLengths ?? right.QueryLengths,
        left.KeyLengths ?? right.KeyLengths);
}
