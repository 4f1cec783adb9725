// Every size check of a mask and its message, once; gives the mask that kernels read.
using BinaryAttention.Bits;
using BinaryAttention.Kernels;

namespace BinaryAttention.Shapes;

internal static class MaskChecks
{
    public static KeyMask Check(AttentionMask? mask, in AttentionShape shape)
    {
        if (mask is null)
        {
            return KeyMask.None;
        }

        return new KeyMask
        {
            IsCausal = mask.IsCausal,
            QueryLengths = Lengths(mask.QueryLengths, shape.BatchSize, shape.QueryLength, "QueryLengths"),
            KeyLengths = Lengths(mask.KeyLengths, shape.BatchSize, shape.KeyLength, "KeyLengths"),
            Pairs = Sized(mask.AllowedPairs, shape, "AllowedPairs", "queryLength x ceil(keyLength / 64) words", (long)shape.QueryLength * KeyCodes.Blocks(shape.KeyLength)),
            Blocks = Sized(mask.AllowedBlocks, shape, "AllowedBlocks", "ceil(queryLength / 64) x ceil(keyLength / 64) flags", (long)KeyCodes.Blocks(shape.QueryLength) * KeyCodes.Blocks(shape.KeyLength)),
        };
    }

    private static int[]? Lengths(ReadOnlyMemory<int> lengths, int batchSize, int tokens, string part)
    {
        if (lengths.IsEmpty)
        {
            return null;
        }

        if (lengths.Length != batchSize)
        {
            throw new ArgumentException($"Mask.{part} has {lengths.Length} entries; the call has batch size {batchSize}. Give one length per batch item.", "options");
        }

        int[] copy = lengths.ToArray();
        for (int item = 0; item < copy.Length; item++)
        {
            if (copy[item] < 0 || copy[item] > tokens)
            {
                throw new ArgumentException($"Mask.{part} is {copy[item]} for batch item {item}; it must be between 0 and the {tokens} tokens of the operand.", "options");
            }
        }

        return copy;
    }

    private static ReadOnlyMemory<T> Sized<T>(ReadOnlyMemory<T> part, in AttentionShape shape, string name, string perHead, long count)
    {
        if (!part.IsEmpty && part.Length != count && part.Length != count * shape.HeadCount)
        {
            throw new ArgumentException($"Mask.{name} has {part.Length} entries; {perHead} is {count} for queryLength {shape.QueryLength} and keyLength {shape.KeyLength}. Give {count} (shared by the heads) or {count * shape.HeadCount} ({shape.HeadCount} heads).", "options");
        }

        return part;
    }
}
