// Exact attention in float32, tiled as FlashAttention does it: blocks of keys pass by a tile of queries; each row keeps its running maximum m, its sum l = sum exp(logit - m) and its
// unnormalised output, all rescaled by exp(m_old - m_new) when the maximum grows. Nothing of size N x N is stored. Keys are packed transposed and values by channels once per call. Blocks that
// no row of a unit may see are skipped.
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
    private readonly AllowedKeys _allowed;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _packHead;
    private readonly Action<int, int> _attendTile;
    private readonly ExactScratch?[] _scratches;
    private readonly bool[] _hasNonFiniteValues;
    private readonly int _tiles;
    private readonly int _blockKeys;
    private readonly int _paddedKeys;
    private readonly int _outputColumns;
    private readonly long _keyElements;
    private readonly long _valueElements;
    private TokenView _key;
    private TokenView _value;
    private TokenView _query;
    private TokenView _destination;
    private float* _logSumExp;

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
        _bias = BiasRows.Create(specification);
        _allowed = new AllowedKeys(specification);
        _loop = specification.CreateLoop();
        _packHead = PackHead;
        _attendTile = AttendTile;
        _scratches = new ExactScratch?[_loop.Workers];
        _hasNonFiniteValues = new bool[heads];
        _blockKeys = specification.Mask.HasGaps ? KeyMask.BlockTokens : ExactScratch.BlockKeys;
        _tiles = (shape.QueryLength + ExactScratch.TileQueries - 1) / ExactScratch.TileQueries;
    }

    private static int PanelColumns => FloatProduct<TVector, TLanes>.PanelColumns;

    public override long PackedBytes => _keys.Bytes + _values.Bytes;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        _key = key;
        _value = value;
        _loop.Run(_specification.Shape.BatchSize * _specification.Shape.KeyHeadCount, _packHead, cancellationToken);
    }

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _query = query;

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        _destination = destination;
        _logSumExp = logSumExp;
        _loop.Run(checked(_specification.Shape.BatchSize * _specification.Shape.HeadCount * _tiles), _attendTile, cancellationToken);
    }

    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _bias?.Dispose();
        _allowed.Dispose();
        _loop.Dispose();
        foreach (ExactScratch? scratch in _scratches)
        {
            scratch?.Dispose();
        }
    }

    private void PackHead(int head, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.KeyHeadCount;
        int keyHead = head % shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        float* values = _values.As<float>() + (head * _valueElements);
        FloatPanels.PackTransposed(_key.Head(batch, keyHead), _key.TokenStride, valid, shape.HeadDimension, PanelColumns, _keys.As<float>() + (head * _keyElements));
        FloatPanels.PackChannels(_value.Head(batch, keyHead), _value.TokenStride, valid, shape.ValueDimension, PanelColumns, _paddedKeys, values);
        _hasNonFiniteValues[head] = !_specification.Mask.IsEmpty && HasNonFinite(batch, keyHead, valid);
    }

    private bool HasNonFinite(int batch, int keyHead, int tokens)
    {
        for (int token = 0; token < tokens; token++)
        {
            if (!float.IsFinite(TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(_value.Token(batch, keyHead, token), _specification.Shape.ValueDimension))))
            {
                return true;
            }
        }

        return false;
    }

    private void AttendTile(int item, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int head = item / _tiles;
        int firstQuery = item % _tiles * ExactScratch.TileQueries;
        int queries = Math.Min(ExactScratch.TileQueries, shape.QueryLength - firstQuery);
        ExactScratch scratch = _scratches[worker] ??= new ExactScratch(shape.HeadDimension, _outputColumns, shape.KeyLength, _allowed.HasGaps);
        int seen = scratch.SelectKeys(_allowed, head, firstQuery, queries);
        if (_hasNonFiniteValues[_specification.KeyHead(head)])
        {
            AttendPlainly(scratch, head, firstQuery, queries);
            return;
        }

        Start(scratch, head, firstQuery, queries);
        int keyHead = _specification.KeyHead(head);
        float* keys = _keys.As<float>() + (keyHead * _keyElements);
        float* values = _values.As<float>() + (keyHead * _valueElements);
        for (int firstKey = 0; firstKey < seen; firstKey += _blockKeys)
        {
            for (int row = 0; row < queries; row += Rows)
            {
                int rows = Math.Min(Rows, queries - row);
                if (scratch.SeesKeys(row, rows, firstKey, _blockKeys))
                {
                    AttendBlock(scratch, head, firstQuery, row, rows, firstKey, keys, values);
                }
            }
        }

        Finish(scratch, head, firstQuery, queries);
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
        int count = Math.Min(_blockKeys, shape.KeyLength - firstKey);
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
                float* bias = BiasRow(scratch, head, firstQuery + row + i, firstKey, count) + firstKey;
                TensorPrimitives.Add(new ReadOnlySpan<float>(logits, count), new ReadOnlySpan<float>(bias, count), new Span<float>(logits, count));
            }

            scratch.MaskLogits(row + Math.Min(i, rows - 1), firstKey, count, logits);
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
    private void Finish(ExactScratch scratch, int head, int firstQuery, int queries)
    {
        AttentionShape shape = _specification.Shape;
        for (int row = 0; row < queries; row++)
        {
            // Sum 0: a row without an allowed key gives zeros, one whose logits are all -infinity 0 / 0; log-sum-exp is -infinity for both. NaN is not 0 and stays.
            float sum = scratch.RowSum[row];
            Span<float> output = Output(head, firstQuery + row);
            if (sum == 0)
            {
                output.Fill(HasAllowedKey(scratch, head, firstQuery, row) ? float.NaN : 0);
            }
            else
            {
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(scratch.Output + ((long)row * _outputColumns), shape.ValueDimension), 1f / sum, output);
            }

            WriteLogSumExp(head, firstQuery + row, sum == 0 ? float.NegativeInfinity : (float)(scratch.RowMax[row] + Math.Log(sum)));
        }
    }

    private bool HasAllowedKey(ExactScratch scratch, int head, int firstQuery, int row)
    {
        int keys = scratch.LeadingKeys(row);
        if (_bias is null || keys == 0)
        {
            return scratch.SeesKeys(row, 1, 0, keys);
        }

        float* bias = BiasRow(scratch, head, firstQuery + row, 0, keys);
        for (int key = 0; key < keys; key++)
        {
            if (scratch.Allows(row, key) && !float.IsNegativeInfinity(bias[key]))
            {
                return true;
            }
        }

        return false;
    }

    private void AttendPlainly(ExactScratch scratch, int head, int firstQuery, int queries)
    {
        AttentionShape shape = _specification.Shape;
        int keyHead = _specification.KeyHead(head);
        float* keys = _keys.As<float>() + (keyHead * _keyElements);
        for (int row = 0; row < queries; row++)
        {
            int count = scratch.LeadingKeys(row);
            Span<double> logits = scratch.PlainLogits.AsSpan(0, count);
            Span<bool> isAllowed = scratch.PlainAllowed.AsSpan(0, count);
            float* query = _query.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row);
            float* bias = _bias is null || count == 0 ? null : BiasRow(scratch, head, firstQuery + row, 0, count);
            bool hasAllowedKey = false;
            for (int key = 0; key < count; key++)
            {
                isAllowed[key] = scratch.Allows(row, key);
                float* column = keys + ((long)(key / PanelColumns) * shape.HeadDimension * PanelColumns) + (key % PanelColumns);
                double dot = 0;
                for (int channel = 0; channel < shape.HeadDimension; channel++)
                {
                    dot += (double)query[channel] * column[(long)channel * PanelColumns];
                }

                logits[key] = (dot * _specification.LogitScale) + (bias is null ? 0 : bias[key]);
                hasAllowedKey |= isAllowed[key] && (bias is null || double.IsNaN(logits[key]) || !float.IsNegativeInfinity(bias[key]));
            }

            WriteLogSumExp(head, firstQuery + row, PlainExactRow.Compute(logits, isAllowed, hasAllowedKey, _values.As<float>() + (keyHead * _valueElements), _paddedKeys, PanelColumns, Output(head, firstQuery + row)));
        }
    }

    private float* BiasRow(ExactScratch scratch, int head, int query, int firstKey, int keys) =>
        _bias!.Row(head / _specification.Shape.HeadCount, head % _specification.Shape.HeadCount, query, firstKey, keys, scratch.BiasRow);

    private Span<float> Output(int head, int query) => new(_destination.Token(head / _specification.Shape.HeadCount, head % _specification.Shape.HeadCount, query), _specification.Shape.ValueDimension);

    private void WriteLogSumExp(int head, int query, float value)
    {
        if (_logSumExp is not null)
        {
            _logSumExp[((long)head * _specification.Shape.QueryLength) + query] = value;
        }
    }
}
