// 8-bit attention in three stages for six query rows at a time, against the keys that these rows may see, as the one-bit kernel has it in log mode (SimdBinaryRun):
//   stage A: products of levels, exact integers        stage B: float logits, exponentials, 8-bit levels (EightBitLogits)        stage C: exact integer product, or float product in Full mode
// Stage A is the integer product of stage C with keys in the place of channels (TokenLayout). The row's true maximum is known before stage B ends, so nothing is rescaled and the result does not
// depend on tiles. Memory is O(N) per worker. A last unit with fewer rows repeats its last query.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.EightBit;

internal sealed unsafe class EightBitRun<TInteger, TIntegerLanes, TFloat, TFloatLanes> : KernelRun
    where TInteger : struct
    where TIntegerLanes : struct, IIntegerLanes<TInteger>
    where TFloat : struct
    where TFloatLanes : struct, IFloatLanes<TFloat>
{
    private const int Rows = BinaryScratch.Rows;

    private readonly AttentionSpecification _specification;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _packHead;
    private readonly Action<int, int> _attendTile;
    private readonly ValueLayout _valueLayout;
    private readonly TokenLayout _layout;
    private readonly EightBitKeys _keys;
    private readonly EightBitValues _values;
    private readonly EightBitQueries _queries;
    private readonly AllowedKeys _allowed;
    private readonly BiasRows? _bias;
    private readonly BinaryScratch?[] _scratches;
    private readonly NativeBuffer?[] _dots;
    private readonly bool _isFull;
    private readonly int _tileQueries;
    private readonly int _tiles;
    private TokenView _key;
    private TokenView _value;
    private TokenView _destination;
    private float* _logSumExp;

    public EightBitRun(AttentionSpecification specification)
    {
        _specification = specification;
        _isFull = specification.Quantization == ValueQuantization.Full;
        _loop = specification.CreateLoop();
        _packHead = PackHead;
        _attendTile = AttendTile;
        AttentionShape shape = specification.Shape;
        _valueLayout = new ValueLayout(shape.ValueDimension, shape.KeyLength, IntegerProduct<TInteger, TIntegerLanes>.PanelChannels, TIntegerLanes.GroupKeys);
        _layout = new TokenLayout(shape.HeadDimension, shape.KeyLength, IntegerProduct<TInteger, TIntegerLanes>.PanelChannels, TIntegerLanes.GroupKeys);
        _keys = new EightBitKeys(specification, _loop.Workers, _layout);
        _values = new EightBitValues(specification, _valueLayout, FloatPanelColumns);
        _queries = new EightBitQueries(specification, _loop, _layout);
        _allowed = new AllowedKeys(specification);
        _bias = BiasRows.Create(specification);
        _scratches = new BinaryScratch?[_loop.Workers];
        _dots = new NativeBuffer?[_loop.Workers];

        // The rows of a unit must lie in one row of mask blocks.
        _tileQueries = specification.Mask.HasGaps ? KeyMask.BlockTokens : BinaryRunLimits.TileQueries;
        _tiles = (shape.QueryLength + _tileQueries - 1) / _tileQueries;
    }

    private static int FloatPanelColumns => FloatProduct<TFloat, TFloatLanes>.PanelColumns;

    public override long PackedBytes => _keys.ByteCount + _values.ByteCount;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        _key = key;
        _value = value;
        _loop.Run(_specification.Shape.BatchSize * _specification.Shape.KeyHeadCount, _packHead, cancellationToken);
    }

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _queries.Set(query, cancellationToken);

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        _destination = destination;
        _logSumExp = logSumExp;
        _loop.Run(checked(_specification.Shape.BatchSize * _specification.Shape.HeadCount * _tiles), _attendTile, cancellationToken);
    }

    public override void Dispose()
    {
        _loop.Dispose();
        _keys.Dispose();
        _values.Dispose();
        _queries.Dispose();
        _allowed.Dispose();
        _bias?.Dispose();
        for (int worker = 0; worker < _scratches.Length; worker++)
        {
            _scratches[worker]?.Dispose();
            _dots[worker]?.Dispose();
        }
    }

    private void PackHead(int head, int worker)
    {
        _keys.SetHead(_key, head, worker);
        _values.SetHead(_value, head);
    }

    private void AttendTile(int item, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int head = item / _tiles;
        int keyHead = _specification.KeyHead(head);
        int first = item % _tiles * _tileQueries;
        int end = Math.Min(first + _tileQueries, shape.QueryLength);
        int valid = Math.Clamp(_specification.ValidQueries(head / shape.HeadCount), first, end);
        for (int query = valid; query < end; query++)
        {
            FillRow(head, query, 0, float.NegativeInfinity);
        }

        if (!_queries.AreFinite(head) || !_keys.AreFinite(keyHead))
        {
            for (int query = first; query < valid; query++)
            {
                FillRow(head, query, float.NaN, float.NaN);
            }

            return;
        }

        // The scratch of the one-bit kernel; its tables hold six queries here.
        BinaryScratch scratch = _scratches[worker] ??= new BinaryScratch(
            _specification, _valueLayout, _layout.QueryBytes, TIntegerLanes.GroupKeys == 2, FloatPanels.Count(shape.ValueDimension, FloatPanelColumns) * FloatPanelColumns);
        NativeBuffer dots = _dots[worker] ??= new NativeBuffer((long)Rows * _layout.PaddedKeys * sizeof(int));
        for (int query = first; query < valid; query += Rows)
        {
            AttendRows(scratch, dots.As<int>(), head, keyHead, query, Math.Min(Rows, valid - query));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendRows(BinaryScratch scratch, int* dots, int head, int keyHead, int firstQuery, int rows)
    {
        scratch.Selection.Select(_allowed, head, firstQuery, rows);
        RowResult* results = stackalloc RowResult[Rows];
        FindDots(scratch, dots, head, keyHead, firstQuery, rows);
        float* keyScales = scratch.Selection.IsPrefix ? _keys.Scales(keyHead) : SelectScales(scratch, keyHead);
        for (int row = 0; row < rows; row++)
        {
            results[row] = Row(scratch, dots + ((long)row * _layout.PaddedKeys), keyScales, head, firstQuery + row, row);
        }

        if (_isFull)
        {
            FloatValueProduct<TFloat, TFloatLanes>.Multiply(scratch, _values.Floats(keyHead), _valueLayout.PaddedKeys, FloatPanels.Count(_specification.Shape.ValueDimension, FloatPanelColumns));
        }
        else
        {
            ValueProduct<TInteger, TIntegerLanes>.Multiply(scratch, _valueLayout, _values.Levels(keyHead));
        }

        for (int row = 0; row < rows; row++)
        {
            WriteRow(scratch, head, keyHead, firstQuery + row, row, results[row]);
        }
    }

    // Stage A. Sums start at what undoes the queries' offset; rows beyond the last repeat it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindDots(BinaryScratch scratch, int* dots, int head, int keyHead, int firstQuery, int rows)
    {
        byte* queries = _queries.Levels(head, firstQuery);
        if (rows < Rows)
        {
            for (int row = 0; row < Rows; row++)
            {
                Buffer.MemoryCopy(_queries.Levels(head, firstQuery + Math.Min(row, rows - 1)), scratch.QueryTables + ((long)row * _layout.QueryBytes), _layout.QueryBytes, _layout.QueryBytes);
            }

            queries = scratch.QueryTables;
        }

        int* starts = _keys.Starts(keyHead);
        foreach (KeyRun run in scratch.Selection.Runs)
        {
            int padded = (run.Keys + _layout.PanelKeys - 1) / _layout.PanelKeys * _layout.PanelKeys;
            for (int row = 0; row < Rows; row++)
            {
                new ReadOnlySpan<int>(starts + run.FirstKey, padded).CopyTo(new Span<int>(dots + ((long)row * _layout.PaddedKeys) + run.Position, padded));
            }

            sbyte* panel = _keys.Levels(keyHead) + _layout.KeyOffset(run.FirstKey);
            for (int key = 0; key < padded; key += _layout.PanelKeys)
            {
                IntegerProduct<TInteger, TIntegerLanes>.Accumulate(queries, _layout.QueryBytes, panel, _layout.Groups, dots + run.Position + key, _layout.PaddedKeys);
                panel += _layout.PanelBytes;
            }
        }
    }

    // Stage B. Keys beyond those that the row counts get probability 0.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult Row(BinaryScratch scratch, int* dots, float* keyScales, int head, int query, int row)
    {
        KeySelection selection = scratch.Selection;
        long offset = (long)row * scratch.PaddedKeys;
        int keys = selection.Keys(row);
        byte* probabilities = scratch.Distances + offset;
        float* logits = _isFull ? scratch.FloatRows + offset : scratch.Logits;
        RowResult result = RowResult.Masked;
        if (keys > 0)
        {
            var terms = new EightBitTerms
            {
                QueryScale = _queries.Scales(head)[query],
                LogitScale = _specification.LogitScale,
                KeyScales = keyScales,
                Dots = dots,
                Bias = _bias is null ? null : SelectBias(_bias, scratch, head, query, keys),
            };
            result = EightBitLogits<TFloat, TFloatLanes>.Row(terms, keys, selection.HasGaps(row) ? selection.Words(row) : null, _isFull, logits, probabilities);
        }

        if (_isFull)
        {
            new Span<float>(logits + keys, selection.PaddedKeys - keys).Clear();
        }
        else
        {
            new Span<byte>(probabilities + keys, selection.PaddedKeys - keys).Clear();
        }

        return result;
    }

    private float* SelectBias(BiasRows bias, BinaryScratch scratch, int head, int query, int keys)
    {
        AttentionShape shape = _specification.Shape;
        if (scratch.Selection.IsPrefix)
        {
            return bias.Row(head / shape.HeadCount, head % shape.HeadCount, query, 0, Math.Min(keys, shape.KeyLength), scratch.BiasRow);
        }

        foreach (KeyRun run in scratch.Selection.Runs)
        {
            float* row = bias.Row(head / shape.HeadCount, head % shape.HeadCount, query, run.FirstKey, run.Keys, scratch.BiasRow);
            new ReadOnlySpan<float>(row + run.FirstKey, run.Keys).CopyTo(new Span<float>(scratch.SelectedBias + run.Position, run.Keys));
        }

        return scratch.SelectedBias;
    }

    private float* SelectScales(BinaryScratch scratch, int keyHead)
    {
        foreach (KeyRun run in scratch.Selection.Runs)
        {
            new ReadOnlySpan<float>(_keys.Scales(keyHead) + run.FirstKey, run.Keys).CopyTo(new Span<float>(scratch.SelectedWeights + run.Position, run.Keys));
        }

        return scratch.SelectedWeights;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteRow(BinaryScratch scratch, int head, int keyHead, int query, int row, in RowResult result)
    {
        if (result.IsMasked)
        {
            // Not 0 times the sums: a NaN value must not reach a row that sees no key.
            FillRow(head, query, 0, float.NegativeInfinity);
            return;
        }

        AttentionShape shape = _specification.Shape;
        float* output = _destination.Token(head / shape.HeadCount, head % shape.HeadCount, query);
        if (_isFull)
        {
            // The marks are 0, or NaN for a channel that holds a NaN or infinity.
            int columns = FloatPanels.Count(shape.ValueDimension, FloatPanelColumns) * FloatPanelColumns;
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(scratch.FloatSums + ((long)row * columns), shape.ValueDimension), result.Factor, new ReadOnlySpan<float>(_values.Means(keyHead), shape.ValueDimension), new Span<float>(output, shape.ValueDimension));
        }
        else
        {
            long offset = (long)row * _valueLayout.PaddedChannels;
            OutputRow.Write(scratch.Sums + offset, scratch.LongSums is null ? null : scratch.LongSums + offset, result.Factor, _values.Scales(keyHead), _values.Means(keyHead), shape.ValueDimension, output);
        }

        if (_logSumExp is not null)
        {
            // The mean key's part of the logits, which softmax does not see.
            double common = _specification.LogitScale * _queries.Product(head, query, _keys.Means(keyHead));
            _logSumExp[((long)head * shape.QueryLength) + query] = (float)(result.RowMax + Math.Log(result.RowSum) + common);
        }
    }

    private void FillRow(int head, int query, float value, float logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        new Span<float>(_destination.Token(head / shape.HeadCount, head % shape.HeadCount, query), shape.ValueDimension).Fill(value);
        if (_logSumExp is not null)
        {
            _logSumExp[((long)head * shape.QueryLength) + query] = logSumExp;
        }
    }
}
