// One-bit attention in three stages for six query rows at a time, against the keys that these rows may see. Which code runs:
//
//                          stage A: distances         stage B: probabilities                                stage C: values
//   table mode             bytes, table lookups       TableStage: two byte tables, in place                 exact integer product
//   table mode, d > 254    32 bits, popcounts         the same sums, plain loops                            exact integer product
//   log mode               either of the two          LogitStage: float logits, exponentials, 8-bit levels  exact integer product
//   Full                   either of the two          LogitStage: float exponentials stay                   float product
//
// The row's true maximum is known before stage B, so nothing is ever rescaled and the result does not depend on tiles. Memory is O(N) per worker. Six rows are one unit because the products
// keep six rows of sums in registers; a last unit with fewer rows repeats its last query.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class SimdBinaryRun<TLookup, TInteger, TIntegerLanes, TFloat, TFloatLanes> : KernelRun
    where TLookup : struct, IHammingLookup
    where TInteger : struct
    where TIntegerLanes : struct, IIntegerLanes<TInteger>
    where TFloat : struct
    where TFloatLanes : struct, IFloatLanes<TFloat>
{
    private const int Rows = BinaryScratch.Rows;

    private readonly AttentionSpecification _specification;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _attendTile;
    private readonly ValueLayout _layout;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly AllowedKeys _allowed;
    private readonly BiasRows? _bias;
    private readonly BinaryScratch?[] _scratches;
    private readonly int _planes;
    private readonly bool _hasLongDistances;
    private readonly bool _usesNumeratorTables;
    private readonly bool _isFull;
    private readonly int _tileQueries;
    private readonly int _tiles;
    private TokenView _destination;
    private float* _logSumExp;

    public SimdBinaryRun(AttentionSpecification specification)
    {
        _specification = specification;
        _usesNumeratorTables = specification.UsesNumeratorTables;
        _isFull = specification.Quantization == ValueQuantization.Full;
        _loop = specification.CreateLoop();
        _attendTile = AttendTile;
        AttentionShape shape = specification.Shape;
        _layout = new ValueLayout(shape.ValueDimension, shape.KeyLength, IntegerProduct<TInteger, TIntegerLanes>.PanelChannels, TIntegerLanes.GroupKeys);
        _hasLongDistances = shape.HeadDimension > BinaryRunLimits.ByteDistances;
        _planes = KeyCodes.Planes(shape.HeadDimension, TLookup.BitsPerCode);
        _keyValue = new PackedKeyValue(specification, _loop, _layout, TLookup.BitsPerCode, FloatPanelColumns);
        _queries = new PackedQueries(specification, _loop);
        _allowed = new AllowedKeys(specification);
        _bias = BiasRows.Create(specification);
        _scratches = new BinaryScratch?[_loop.Workers];

        // The rows of a unit must lie in one row of mask blocks.
        _tileQueries = specification.Mask.HasGaps ? KeyMask.BlockTokens : BinaryRunLimits.TileQueries;
        _tiles = (shape.QueryLength + _tileQueries - 1) / _tileQueries;
    }

    private static int FloatPanelColumns => FloatProduct<TFloat, TFloatLanes>.PanelColumns;

    public override long PackedBytes => _keyValue.ByteCount;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken) => _keyValue.Set(key, value, cancellationToken);

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
        _keyValue.Dispose();
        _queries.Dispose();
        _allowed.Dispose();
        _bias?.Dispose();
        foreach (BinaryScratch? scratch in _scratches)
        {
            scratch?.Dispose();
        }
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

        if (!_queries.AreFinite(head) || !_keyValue.KeysAreFinite(keyHead))
        {
            for (int query = first; query < valid; query++)
            {
                FillRow(head, query, float.NaN, float.NaN);
            }

            return;
        }

        BinaryScratch scratch = _scratches[worker] ??= new BinaryScratch(
            _specification, _layout, _planes * TLookup.TableBytes, TIntegerLanes.GroupKeys == 2, FloatPanels.Count(shape.ValueDimension, FloatPanelColumns) * FloatPanelColumns);
        for (int query = first; query < valid; query += Rows)
        {
            AttendRows(scratch, head, keyHead, query, Math.Min(Rows, valid - query));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendRows(BinaryScratch scratch, int head, int keyHead, int firstQuery, int rows)
    {
        scratch.Selection.Select(_allowed, head, firstQuery, rows);
        double* slopes = stackalloc double[Rows];
        RowResult* results = stackalloc RowResult[Rows];

        // Table mode has one key weight per head, repeated for every key; the slopes serve table mode alone.
        float columnWeight = _keyValue.Weights(0, keyHead)[0];
        float scale = _specification.ScaleOf(head % _specification.Shape.HeadCount);
        for (int row = 0; row < Rows; row++)
        {
            slopes[row] = (double)_queries.Weight(0, head, firstQuery + Math.Min(row, rows - 1)) * (double)columnWeight * (double)scale;
        }

        FindDistances(scratch, head, keyHead, firstQuery, rows, slopes);
        if (!_usesNumeratorTables && !scratch.Selection.IsPrefix)
        {
            SelectWeights(scratch, keyHead);
        }

        for (int row = 0; row < rows; row++)
        {
            results[row] = Row(scratch, head, keyHead, firstQuery + row, row, Math.Abs(slopes[row]), scale);
        }

        if (_isFull)
        {
            FloatValueProduct<TFloat, TFloatLanes>.Multiply(scratch, _keyValue.FloatValues(keyHead), _layout.PaddedKeys, FloatPanels.Count(_specification.Shape.ValueDimension, FloatPanelColumns));
        }
        else
        {
            ValueProduct<TInteger, TIntegerLanes>.Multiply(scratch, _layout, _keyValue.Levels(keyHead));
        }

        for (int row = 0; row < rows; row++)
        {
            WriteRow(scratch, head, keyHead, firstQuery + row, row, results[row]);
        }
    }

    // Stage A, for every pair of planes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindDistances(BinaryScratch scratch, int head, int keyHead, int firstQuery, int rows, double* slopes)
    {
        int dimension = _specification.Shape.HeadDimension;
        for (int queryPlane = 0; queryPlane < _specification.QueryPlanes; queryPlane++)
        {
            for (int row = 0; row < Rows && !_hasLongDistances; row++)
            {
                bool flip = _usesNumeratorTables && slopes[row] < 0;
                TLookup.BuildTables(_queries.Words(queryPlane, head, firstQuery + Math.Min(row, rows - 1)), dimension, flip, scratch.QueryTables + (row * _planes * TLookup.TableBytes));
            }

            for (int keyPlane = 0; keyPlane < _specification.KeyPlanes; keyPlane++)
            {
                long pairRows = ((queryPlane * _specification.KeyPlanes) + keyPlane) * (long)Rows * scratch.PaddedKeys;
                foreach (KeyRun run in scratch.Selection.Runs)
                {
                    if (!_hasLongDistances)
                    {
                        byte* codes = _keyValue.Codes(keyPlane, keyHead) + ((long)run.FirstBlock * _planes * KeyCodes.BlockKeys);
                        TLookup.Distances(codes, run.Blocks, _planes, scratch.QueryTables, scratch.Distances + pairRows + run.Position, scratch.PaddedKeys);
                        continue;
                    }

                    ulong* words = _keyValue.SignWords(keyPlane, keyHead) + ((long)run.FirstKey * SignRow.Words(dimension));
                    for (int row = 0; row < rows; row++)
                    {
                        bool flip = _usesNumeratorTables && slopes[row] < 0;
                        LongDistances.Find(_queries.Words(queryPlane, head, firstQuery + row), words, run.Keys, dimension, flip, scratch.LongDistances + pairRows + ((long)row * scratch.PaddedKeys) + run.Position);
                    }
                }
            }
        }
    }

    // Stage B. Keys beyond those that the row counts get probability 0.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult Row(BinaryScratch scratch, int head, int keyHead, int query, int row, double slope, float scale)
    {
        KeySelection selection = scratch.Selection;
        long offset = (long)row * scratch.PaddedKeys;
        int keys = selection.Keys(row);
        ulong* words = selection.HasGaps(row) ? selection.Words(row) : null;
        byte* probabilities = scratch.Distances + offset;
        float* logits = _isFull ? scratch.FloatRows + offset : scratch.Logits;
        RowResult result = RowResult.Masked;
        if (keys > 0)
        {
            int dimension = _specification.Shape.HeadDimension;
            result = !_usesNumeratorTables ? LogitRow(scratch, head, keyHead, query, row, keys, words, logits, probabilities, scale)
                : _hasLongDistances ? TableStage<TLookup>.LongRow(scratch, scratch.LongDistances + offset, probabilities, keys, words, slope, dimension, _specification.Quantization)
                : TableStage<TLookup>.Row(scratch, probabilities, keys, words, slope, dimension, _specification.Quantization);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult LogitRow(BinaryScratch scratch, int head, int keyHead, int query, int row, int keys, ulong* words, float* logits, byte* probabilities, float scale)
    {
        LogitTerm* terms = stackalloc LogitTerm[BinaryRunLimits.PlanePairs];
        int count = 0;
        for (int queryPlane = 0; queryPlane < _specification.QueryPlanes; queryPlane++)
        {
            for (int keyPlane = 0; keyPlane < _specification.KeyPlanes; keyPlane++)
            {
                long offset = ((count * (long)Rows) + row) * scratch.PaddedKeys;
                terms[count++] = new LogitTerm
                {
                    Distances = scratch.Distances + offset,
                    LongDistances = _hasLongDistances ? scratch.LongDistances + offset : null,
                    RowWeight = _queries.Weight(queryPlane, head, query),
                    Scale = scale,
                    ColumnWeights = scratch.Selection.IsPrefix ? _keyValue.Weights(keyPlane, keyHead) : scratch.SelectedWeights + ((long)keyPlane * scratch.PaddedKeys),
                };
            }
        }

        float* bias = _bias is null ? null : SelectBias(_bias, scratch, head, query, keys);
        return LogitStage<TFloat, TFloatLanes>.Row(new ReadOnlySpan<LogitTerm>(terms, count), keys, _specification.Shape.HeadDimension, bias, words, _specification.Quantization, logits, probabilities);
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
            int count = run.Keys;
            float* row = bias.Row(head / shape.HeadCount, head % shape.HeadCount, query, run.FirstKey, count, scratch.BiasRow);
            new ReadOnlySpan<float>(row + run.FirstKey, count).CopyTo(new Span<float>(scratch.SelectedBias + run.Position, count));
        }

        return scratch.SelectedBias;
    }

    private void SelectWeights(BinaryScratch scratch, int keyHead)
    {
        for (int plane = 0; plane < _specification.KeyPlanes; plane++)
        {
            foreach (KeyRun run in scratch.Selection.Runs)
            {
                int count = run.Keys;
                new ReadOnlySpan<float>(_keyValue.Weights(plane, keyHead) + run.FirstKey, count).CopyTo(new Span<float>(scratch.SelectedWeights + ((long)plane * scratch.PaddedKeys) + run.Position, count));
            }
        }
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
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(scratch.FloatSums + ((long)row * columns), shape.ValueDimension), result.Factor, new ReadOnlySpan<float>(_keyValue.Means(keyHead), shape.ValueDimension), new Span<float>(output, shape.ValueDimension));
        }
        else
        {
            long offset = (long)row * _layout.PaddedChannels;
            OutputRow.Write(scratch.Sums + offset, scratch.LongSums is null ? null : scratch.LongSums + offset, result.Factor, _keyValue.Scales(keyHead), _keyValue.Means(keyHead), shape.ValueDimension, output);
        }

        if (_logSumExp is not null)
        {
            _logSumExp[((long)head * shape.QueryLength) + query] = result.LogSumExp;
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
