// Gives kernels one row of the bias at a time, as a pointer to keyLength floats. Per-key and dense rows are read where they lie; a relative-position row is gathered into the
// caller's buffer. The per-head tables are kept reversed, so that a grid row's entries ascend with the key and a gather is a run of plain copies: the N x N matrix never exists.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels;

internal sealed unsafe class BiasRows : IDisposable
{
    private readonly AttentionBias _bias;
    private readonly NativeBuffer? _reversedTables;
    private System.Buffers.MemoryHandle _pin; // not readonly: Dispose changes it
    private readonly int _tableEntries;

    public BiasRows(AttentionBias bias)
    {
        _bias = bias;
        _pin = bias.Values.Pin();
        if (bias.Kind == AttentionBiasKind.RelativePosition)
        {
            _tableEntries = ((2 * bias.GridHeight) - 1) * ((2 * bias.GridWidth) - 1);
            _reversedTables = new NativeBuffer((long)bias.HeadCount * _tableEntries * sizeof(float));
            float* reversed = _reversedTables.As<float>();
            ReadOnlySpan<float> table = bias.Values.Span;
            for (int head = 0; head < bias.HeadCount; head++)
            {
                for (int entry = 0; entry < _tableEntries; entry++)
                {
                    reversed[((long)head * _tableEntries) + (_tableEntries - 1 - entry)] = table[(entry * bias.HeadCount) + head];
                }
            }
        }
    }

#pragma warning disable MA0055 // a plan that its owner forgot to dispose must not keep the caller's bias pinned for ever
    ~BiasRows() => _pin.Dispose();
#pragma warning restore MA0055

    /// <summary>The bias of one query against all keys.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Query head.</param>
    /// <param name="query">Query token.</param>
    /// <param name="buffer">Room for keyLength floats, used by relative-position tables alone.</param>
    public float* Row(int batch, int head, int query, float* buffer) => Row(batch, head, query, 0, _bias.KeyLength, buffer);

    /// <summary>The same pointer to key 0, of which only the entries of some keys need be read: a relative-position row is gathered for these alone.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Query head.</param>
    /// <param name="query">Query token.</param>
    /// <param name="firstKey">First key of the range.</param>
    /// <param name="keys">Keys in the range, at least 1.</param>
    /// <param name="buffer">Room for keyLength floats, used by relative-position tables alone.</param>
    public float* Row(int batch, int head, int query, int firstKey, int keys, float* buffer)
    {
        int biasHead = _bias.HeadCount == 1 ? 0 : head;
        if (_bias.Kind == AttentionBiasKind.RelativePosition)
        {
            Gather(biasHead, query, firstKey, firstKey + keys, buffer);
            return buffer;
        }

        long item = ((_bias.BatchSize == 1 ? 0L : batch) * _bias.HeadCount) + biasHead;
        long row = _bias.Kind == AttentionBiasKind.PerKey ? item : (item * _bias.QueryLength) + query;
        return (float*)_pin.Pointer + (row * _bias.KeyLength);
    }

    public void Dispose()
    {
        _pin.Dispose();
        _reversedTables?.Dispose();
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(int head, int query, int firstKey, int endKey, float* row)
    {
        int classTokens = _bias.HasClassToken ? 1 : 0;
        int width = _bias.GridWidth;
        int height = _bias.GridHeight;

        // Whole grid rows that meet the range.
        int firstY = Math.Max(firstKey - classTokens, 0) / width;
        int endY = (endKey - classTokens + width - 1) / width;
        float* table = (float*)_pin.Pointer;
        if (query < classTokens)
        {
            new Span<float>(row + firstKey, endKey - firstKey).Fill(table[(_tableEntries * _bias.HeadCount) + head]);
            row[0] = table[((_tableEntries + 2) * _bias.HeadCount) + head];
            return;
        }

        if (classTokens == 1)
        {
            row[0] = table[((_tableEntries + 1) * _bias.HeadCount) + head];
        }

        int y = (query - classTokens) / width;
        int x = (query - classTokens) % width;
        float* reversed = _reversedTables!.As<float>() + ((long)head * _tableEntries);
        for (int keyY = firstY; keyY < endY; keyY++)
        {
            // Entry of key x = 0; the entries of the following keys descend by one, so in the reversed table they ascend.
            int entry = ((y - keyY + height - 1) * ((2 * width) - 1)) + x + width - 1;
            new ReadOnlySpan<float>(reversed + (_tableEntries - 1 - entry), width).CopyTo(new Span<float>(row + classTokens + (keyY * width), width));
        }
    }
}
