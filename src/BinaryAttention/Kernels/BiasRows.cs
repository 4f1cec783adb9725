// Gives kernels one row of the bias at a time, as a pointer to keyLength floats. Per-key and dense rows are read where they lie; a relative-position row is gathered, a low-rank row multiplied out and
// two biases added in the caller's buffer, for a range of keys only. The per-head relative tables are kept reversed, so that a grid row's entries ascend with the key and a gather is a run of plain
// copies; low-rank key factors are kept rank by rank, so that a row is a sum of scaled vectors. The N x N matrix never exists.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels;

internal sealed unsafe class BiasRows : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly AttentionBias? _bias;
    private readonly float[]? _added;
    private readonly NativeBuffer? _reversedTables;
    private readonly NativeBuffer? _keyFactors;
    private System.Buffers.MemoryHandle _pin; // not readonly: Dispose changes it
    private readonly int _tableEntries;

    private BiasRows(AttentionSpecification specification)
    {
        _specification = specification;
        _bias = specification.Bias;
        _added = specification.AddedKeyBias;
        if (_bias is null)
        {
            return;
        }

        _pin = _bias.Values.Pin();
        if (_bias.Kind == AttentionBiasKind.RelativePosition)
        {
            _tableEntries = ((2 * _bias.GridHeight) - 1) * ((2 * _bias.GridWidth) - 1);
            _reversedTables = new NativeBuffer((long)_bias.HeadCount * _tableEntries * sizeof(float));
            ReverseTables(_bias, _reversedTables.As<float>());
        }
        else if (_bias.Kind == AttentionBiasKind.LowRank)
        {
            _keyFactors = new NativeBuffer((long)_bias.KeyFactors.Length * sizeof(float));
            TransposeFactors(_bias, _keyFactors.As<float>());
        }
    }

#pragma warning disable MA0055 // a plan that its owner forgot to dispose must not keep the caller's bias pinned for ever
    ~BiasRows() => _pin.Dispose();
#pragma warning restore MA0055

    /// <summary>The rows of a call's biases, or null if it has none.</summary>
    public static BiasRows? Create(AttentionSpecification specification) => specification.HasBias ? new BiasRows(specification) : null;

    /// <summary>The bias of one query against some keys: a pointer to key 0, of which only the entries of these keys may be read.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Query head.</param>
    /// <param name="query">Query token.</param>
    /// <param name="firstKey">First key of the range.</param>
    /// <param name="keys">Keys in the range, at least 1.</param>
    /// <param name="buffer">Room for keyLength floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float* Row(int batch, int head, int query, int firstKey, int keys, float* buffer)
    {
        if (_added is null)
        {
            return GivenRow(_bias!, batch, head, query, firstKey, keys, buffer);
        }

        // Pinned by whoever allocated it.
        float* added = (float*)Unsafe.AsPointer(ref _added[(((long)batch * _specification.Shape.HeadCount) + head) * _specification.Shape.KeyLength]);
        if (_bias is null)
        {
            return added;
        }

        float* given = GivenRow(_bias, batch, head, query, firstKey, keys, buffer);
        for (int key = firstKey; key < firstKey + keys; key++)
        {
            // The sum of finite biases stays finite: an infinity would mask the pair, or pass for NaN.
            float sum = given[key] + added[key];
            buffer[key] = float.IsInfinity(sum) && float.IsFinite(given[key]) ? MathF.CopySign(float.MaxValue, sum) : sum;
        }

        return buffer;
    }

    public void Dispose()
    {
        _pin.Dispose();
        _reversedTables?.Dispose();
        _keyFactors?.Dispose();
        GC.SuppressFinalize(this);
    }

    private static void ReverseTables(AttentionBias bias, float* reversed)
    {
        int entries = ((2 * bias.GridHeight) - 1) * ((2 * bias.GridWidth) - 1);
        ReadOnlySpan<float> table = bias.Values.Span;
        for (int head = 0; head < bias.HeadCount; head++)
        {
            for (int entry = 0; entry < entries; entry++)
            {
                reversed[((long)head * entries) + (entries - 1 - entry)] = table[(entry * bias.HeadCount) + head];
            }
        }
    }

    // [plane][key][rank] to [plane][rank][key].
    private static void TransposeFactors(AttentionBias bias, float* factors)
    {
        ReadOnlySpan<float> given = bias.KeyFactors.Span;
        for (int i = 0; i < given.Length; i++)
        {
            int plane = i / (bias.KeyLength * bias.Rank);
            int key = i / bias.Rank % bias.KeyLength;
            factors[(((long)plane * bias.Rank) + (i % bias.Rank)) * bias.KeyLength + key] = given[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float* GivenRow(AttentionBias bias, int batch, int head, int query, int firstKey, int keys, float* buffer)
    {
        int biasHead = bias.HeadCount == 1 ? 0 : head;
        long item = ((bias.BatchSize == 1 ? 0L : batch) * bias.HeadCount) + biasHead;
        switch (bias.Kind)
        {
            case AttentionBiasKind.RelativePosition:
                Gather(bias, biasHead, query, firstKey, firstKey + keys, buffer);
                return buffer;
            case AttentionBiasKind.LowRank:
                MultiplyFactors(bias, item, query, firstKey, keys, buffer);
                return buffer;
            case AttentionBiasKind.PerKey:
                return (float*)_pin.Pointer + (item * bias.KeyLength);
            default:
                return (float*)_pin.Pointer + (((item * bias.QueryLength) + query) * bias.KeyLength);
        }
    }

    private void MultiplyFactors(AttentionBias bias, long item, int query, int firstKey, int keys, float* row)
    {
        float* queryFactors = (float*)_pin.Pointer + (((item * bias.QueryLength) + query) * bias.Rank);
        float* keyFactors = _keyFactors!.As<float>() + (item * bias.Rank * bias.KeyLength) + firstKey;
        var sums = new Span<float>(row + firstKey, keys);
        TensorPrimitives.Multiply(new ReadOnlySpan<float>(keyFactors, keys), queryFactors[0], sums);
        for (int r = 1; r < bias.Rank; r++)
        {
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(keyFactors + ((long)r * bias.KeyLength), keys), queryFactors[r], sums, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(AttentionBias bias, int head, int query, int firstKey, int endKey, float* row)
    {
        int classTokens = bias.HasClassToken ? 1 : 0;
        int width = bias.GridWidth;
        int height = bias.GridHeight;

        // Whole grid rows that meet the range.
        int firstY = Math.Max(firstKey - classTokens, 0) / width;
        int endY = (endKey - classTokens + width - 1) / width;
        float* table = (float*)_pin.Pointer;
        if (query < classTokens)
        {
            new Span<float>(row + firstKey, endKey - firstKey).Fill(table[(_tableEntries * bias.HeadCount) + head]);
            row[0] = table[((_tableEntries + 2) * bias.HeadCount) + head];
            return;
        }

        if (classTokens == 1)
        {
            row[0] = table[((_tableEntries + 1) * bias.HeadCount) + head];
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
