// Exact attention in float32, tiled as FlashAttention does it: blocks of keys pass by a tile of queries; each row keeps its running maximum m, its sum l = sum exp(logit - m) and its
// unnormalised output, all rescaled by exp(m_old - m_new) when the maximum grows. Nothing of size N x N is stored. Keys are packed transposed and values by channels once per call.
using System.Collections.Concurrent;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class SimdExactRun<TVector, TLanes> : KernelRun
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    private const int Rows = ExactScratch.Rows;

    private readonly AttentionSpecification _specification;
    private readonly NativeBuffer _keys;
    private readonly NativeBuffer _values;
    private readonly BiasRows? _bias;
    private readonly ConcurrentBag<ExactScratch> _scratches = [];
    private readonly int _paddedKeys;
    private readonly int _outputColumns;
    private readonly long _keyElements;
    private readonly long _valueElements;
    private TokenView _query;

    public SimdExactRun(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        _paddedKeys = FloatPanels.Count(shape.KeyLength, PanelColumns) * PanelColumns;
        _outputColumns = FloatPanels.Count(shape.ValueDimension, PanelColumns) * PanelColumns;
        _keyElements = (long)_paddedKeys * shape.HeadDimension;
        _valueElements = (long)_paddedKeys * _outputColumns;
        long heads = (long)shape.BatchSize * shape.KeyHeadCount;
        _keys = new NativeBuffer(heads * _keyElements * sizeof(float));
        _values = new NativeBuffer(heads * _valueElements * sizeof(float));
        _bias = specification.Bias is { } bias ? new BiasRows(bias) : null;
    }

    private static int PanelColumns => FloatProduct<TVector, TLanes>.PanelColumns;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        TileLoop.Run(shape.BatchSize * shape.KeyHeadCount, _specification.Threads, Pack, cancellationToken);

        void Pack(int head)
        {
            int batch = head / shape.KeyHeadCount;
            int keyHead = head % shape.KeyHeadCount;
            FloatPanels.PackTransposed(key.Head(batch, keyHead), key.TokenStride, shape.KeyLength, shape.HeadDimension, PanelColumns, _keys.As<float>() + (head * _keyElements));
            FloatPanels.PackChannels(value.Head(batch, keyHead), value.TokenStride, shape.KeyLength, shape.ValueDimension, PanelColumns, _paddedKeys, _values.As<float>() + (head * _valueElements));
        }
    }

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _query = query;

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        int tiles = (shape.QueryLength + ExactScratch.TileQueries - 1) / ExactScratch.TileQueries;
        int items = checked(shape.BatchSize * shape.HeadCount * tiles);
        TileLoop.Run(items, _specification.Threads, item => AttendTile(item / tiles, item % tiles * ExactScratch.TileQueries, destination, logSumExp), cancellationToken);
    }

    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _bias?.Dispose();
        foreach (ExactScratch scratch in _scratches)
        {
            scratch.Dispose();
        }
    }

    private void AttendTile(int head, int firstQuery, TokenView destination, float* logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        int queries = Math.Min(ExactScratch.TileQueries, shape.QueryLength - firstQuery);
        if (!_scratches.TryTake(out ExactScratch? scratch))
        {
            scratch = new ExactScratch(shape.HeadDimension, _outputColumns, shape.KeyLength);
        }

        Start(scratch, head, firstQuery, queries);
        int keyHead = _specification.KeyHead(head);
        float* keys = _keys.As<float>() + (keyHead * _keyElements);
        float* values = _values.As<float>() + (keyHead * _valueElements);
        for (int firstKey = 0; firstKey < shape.KeyLength; firstKey += ExactScratch.BlockKeys)
        {
            for (int row = 0; row < queries; row += Rows)
            {
                AttendBlock(scratch, head, firstQuery, row, Math.Min(Rows, queries - row), firstKey, keys, values);
            }
        }

        Finish(scratch, head, firstQuery, queries, destination, logSumExp);
        _scratches.Add(scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Start(ExactScratch scratch, int head, int firstQuery, int queries)
    {
        AttentionShape shape = _specification.Shape;
        for (int row = 0; row < ExactScratch.TileQueries; row++)
        {
            // Rows beyond the last query repeat it; their results are not written.
            float* query = _query.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + Math.Min(row, queries - 1));
            TensorPrimitives.Multiply(
                new ReadOnlySpan<float>(query, shape.HeadDimension), _specification.LogitScale, new Span<float>(scratch.Queries + ((long)row * shape.HeadDimension), shape.HeadDimension));
            scratch.RowMax[row] = float.NegativeInfinity;
            scratch.RowSum[row] = 0;
        }

        new Span<float>(scratch.Output, ExactScratch.TileQueries * _outputColumns).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendBlock(ExactScratch scratch, int head, int firstQuery, int row, int rows, int firstKey, float* keys, float* values)
    {
        AttentionShape shape = _specification.Shape;
        int count = Math.Min(ExactScratch.BlockKeys, shape.KeyLength - firstKey);
        int padded = FloatPanels.Count(count, PanelColumns) * PanelColumns;
        float* queries = scratch.Queries + ((long)row * shape.HeadDimension);
        for (int key = 0; key < padded; key += PanelColumns)
        {
            FloatProduct<TVector, TLanes>.Multiply(queries, shape.HeadDimension, keys + ((long)(firstKey + key) * shape.HeadDimension), shape.HeadDimension, scratch.Logits + key, ExactScratch.BlockKeys, accumulate: false);
        }

        for (int i = 0; i < Rows; i++)
        {
            float* logits = scratch.Logits + ((long)i * ExactScratch.BlockKeys);
            if (_bias is not null && i < rows)
            {
                float* bias = _bias.Row(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row + i, firstKey, count, scratch.BiasRow) + firstKey;
                TensorPrimitives.Add(new ReadOnlySpan<float>(logits, count), new ReadOnlySpan<float>(bias, count), new Span<float>(logits, count));
            }

            new Span<float>(logits + count, padded - count).Fill(float.NegativeInfinity);
            UpdateRow(scratch, row + i, logits, padded);
        }

        float* output = scratch.Output + ((long)row * _outputColumns);
        for (int column = 0; column < _outputColumns; column += PanelColumns)
        {
            float* panel = values + ((long)column * _paddedKeys) + ((long)firstKey * PanelColumns);
            FloatProduct<TVector, TLanes>.Multiply(scratch.Logits, ExactScratch.BlockKeys, panel, padded, output + column, _outputColumns, accumulate: true);
        }
    }

    // Turns one row's logits into exponentials and carries its maximum, sum and output along.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void UpdateRow(ExactScratch scratch, int row, float* logits, int padded)
    {
        float oldMax = scratch.RowMax[row];
        float newMax = LogitRows<TVector, TLanes>.Max(logits, padded);

        // A NaN logit may get lost in the maximum, but not in the exponentials and sums below.
        newMax = oldMax > newMax ? oldMax : newMax;
        if (float.IsNegativeInfinity(newMax))
        {
            if (!new ReadOnlySpan<float>(logits, padded).ContainsAnyExcept(float.NegativeInfinity))
            {
                new Span<float>(logits, padded).Clear();
                return;
            }

            // Nothing but NaN and -infinity: the NaN, lost to the padding's -infinity, must not pass for a masked row.
            newMax = float.NaN;
        }

        float blockSum = LogitRows<TVector, TLanes>.Exponentials(logits, padded, newMax);
        if (newMax != oldMax)
        {
            float correction = MathF.Exp(oldMax - newMax);
            scratch.RowSum[row] *= correction;
            float* output = scratch.Output + ((long)row * _outputColumns);
            TVector factor = TLanes.Create(correction);
            for (int column = 0; column < _outputColumns; column += TLanes.Count)
            {
                TLanes.Store(TLanes.Multiply(TLanes.Load(output + column), factor), output + column);
            }
        }

        scratch.RowSum[row] += blockSum;
        scratch.RowMax[row] = newMax;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(ExactScratch scratch, int head, int firstQuery, int queries, TokenView destination, float* logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        for (int row = 0; row < queries; row++)
        {
            // Sum 0: a row without an allowed key gives zeros, one whose logits are all -infinity 0 / 0; log-sum-exp is -infinity for both. NaN is not 0 and stays.
            float sum = scratch.RowSum[row];
            var output = new Span<float>(destination.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row), shape.ValueDimension);
            if (sum == 0)
            {
                output.Fill(HasAllowedKey(scratch, head, firstQuery + row) ? float.NaN : 0);
            }
            else
            {
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(scratch.Output + ((long)row * _outputColumns), shape.ValueDimension), 1f / sum, output);
            }

            if (logSumExp is not null)
            {
                logSumExp[((long)head * shape.QueryLength) + firstQuery + row] = sum == 0 ? float.NegativeInfinity : (float)(scratch.RowMax[row] + Math.Log(sum));
            }
        }
    }

    private bool HasAllowedKey(ExactScratch scratch, int head, int query)
    {
        AttentionShape shape = _specification.Shape;
        return _bias is null
            || new ReadOnlySpan<float>(_bias.Row(head / shape.HeadCount, head % shape.HeadCount, query, scratch.BiasRow), shape.KeyLength).ContainsAnyExcept(float.NegativeInfinity);
    }
}
