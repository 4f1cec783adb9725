// Per-key numbers of a tile's selected keys: read where they lie if these are the leading keys, else copied together.
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class SelectedKeys
{
    /// <summary>The bias of one row at its selected keys, or null without a bias.</summary>
    /// <param name="bias">The biases of the call.</param>
    /// <param name="shape">Sizes of the call.</param>
    /// <param name="selection">The tile's keys.</param>
    /// <param name="head">The (batch, query head) pair.</param>
    /// <param name="query">Query token.</param>
    /// <param name="keys">Selected keys that the row counts.</param>
    /// <param name="row">Room for keyLength floats.</param>
    /// <param name="selected">As much room, needed unless the selection is a prefix.</param>
    public static float* Bias(BiasRows? bias, in AttentionShape shape, KeySelection selection, int head, int query, int keys, float* row, float* selected)
    {
        if (bias is null || keys == 0)
        {
            return null;
        }

        int batch = head / shape.HeadCount;
        if (selection.IsPrefix)
        {
            return bias.Row(batch, head % shape.HeadCount, query, 0, Math.Min(keys, shape.KeyLength), row);
        }

        foreach (KeyRun run in selection.Runs)
        {
            int count = Math.Min(run.Keys, shape.KeyLength - run.FirstKey);
            float* part = bias.Row(batch, head % shape.HeadCount, query, run.FirstKey, count, row);
            new ReadOnlySpan<float>(part + run.FirstKey, count).CopyTo(new Span<float>(selected + run.Position, count));
        }

        return selected;
    }

    /// <summary>One number per selected key.</summary>
    public static float* Of(float* perKey, int keyLength, KeySelection selection, float* selected)
    {
        if (selection.IsPrefix)
        {
            return perKey;
        }

        foreach (KeyRun run in selection.Runs)
        {
            int count = Math.Min(run.Keys, keyLength - run.FirstKey);
            new ReadOnlySpan<float>(perKey + run.FirstKey, count).CopyTo(new Span<float>(selected + run.Position, count));
        }

        return selected;
    }
}
