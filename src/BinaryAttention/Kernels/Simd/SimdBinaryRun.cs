// One-bit attention in three stages for six query rows at a time, against all keys. Which code runs:
//
//                          stage A: distances         stage B: probabilities                                stage C: values
//   table mode             bytes, table lookups       TableRow: two byte tables, in place                    exact integer product
//   table mode, d > 254    32 bits, popcounts         LongTableRow: the same sums, plain loops               exact integer product
//   log mode               either of the two          LogitRow: float logits, exponentials, 8-bit levels     exact integer product
//   Full                   either of the two          LogitRow: float exponentials stay                      float product
//
// The row's true maximum is known before stage B, so nothing is ever rescaled and the result does not depend on tiles. Memory is O(N) per worker. Six rows are one unit because the products
// keep six rows of sums in registers; a last unit with fewer rows repeats its last query.
using System.Collections.Concurrent;
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
    private readonly ValueLayout _layout;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly BiasRows? _bias;
    private readonly ConcurrentBag<BinaryScratch> _scratches = [];
    private readonly int _planes;
    private readonly bool _hasLongDistances;

    public SimdBinaryRun(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        _layout = new ValueLayout(shape.ValueDimension, shape.KeyLength, IntegerProduct<TInteger, TIntegerLanes>.PanelChannels, TIntegerLanes.GroupKeys);
        _hasLongDistances = shape.HeadDimension > BinaryRunLimits.ByteDistances;
        _planes = KeyCodes.Planes(shape.HeadDimension, TLookup.BitsPerCode);
        _keyValue = new PackedKeyValue(specification, _layout, TLookup.BitsPerCode, FloatPanelColumns);
        _queries = new PackedQueries(specification);
        _bias = specification.Bias is { } bias ? new BiasRows(bias) : null;
    }

    private static int FloatPanelColumns => FloatProduct<TFloat, TFloatLanes>.PanelColumns;

    private bool IsFull => _specification.Quantization == ValueQuantization.Full;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken) => _keyValue.Set(key, value, cancellationToken);

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _queries.Set(query, cancellationToken);

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        int tiles = (shape.QueryLength + BinaryRunLimits.TileQueries - 1) / BinaryRunLimits.TileQueries;
        int items = checked(shape.BatchSize * shape.HeadCount * tiles);
        TileLoop.Run(items, _specification.Threads, item => AttendTile(item / tiles, item % tiles, destination, logSumExp), cancellationToken);
    }

    public override void Dispose()
    {
        _keyValue.Dispose();
        _queries.Dispose();
        _bias?.Dispose();
        foreach (BinaryScratch scratch in _scratches)
        {
            scratch.Dispose();
        }
    }

    private void AttendTile(int head, int tile, TokenView destination, float* logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        int keyHead = _specification.KeyHead(head);
        int first = tile * BinaryRunLimits.TileQueries;
        int end = Math.Min(first + BinaryRunLimits.TileQueries, shape.QueryLength);
        if (!_queries.AreFinite(head) || !_keyValue.KeysAreFinite(keyHead))
        {
            for (int query = first; query < end; query++)
            {
                FillRow(destination, logSumExp, head, query, float.NaN, float.NaN);
            }

            return;
        }

        if (!_scratches.TryTake(out BinaryScratch? scratch))
        {
            scratch = new BinaryScratch(_specification, _layout, _planes * TLookup.TableBytes, TIntegerLanes.GroupKeys == 2, FloatPanels.Count(shape.ValueDimension, FloatPanelColumns) * FloatPanelColumns);
        }

        for (int query = first; query < end; query += Rows)
        {
            AttendRows(scratch, head, keyHead, query, Math.Min(Rows, end - query), destination, logSumExp);
        }

        _scratches.Add(scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendRows(BinaryScratch scratch, int head, int keyHead, int firstQuery, int rows, TokenView destination, float* logSumExp)
    {
        double* slopes = stackalloc double[Rows];
        RowResult* results = stackalloc RowResult[Rows];
        // Table mode has one key weight per head, repeated for every key; the slopes serve table mode alone.
        float columnWeight = _keyValue.Weights(keyHead)[0];
        for (int row = 0; row < Rows; row++)
        {
            slopes[row] = (double)_queries.Weight(head, firstQuery + Math.Min(row, rows - 1)) * (double)columnWeight * (double)_specification.LogitScale;
        }

        FindDistances(scratch, head, keyHead, firstQuery, rows, slopes);
        for (int row = 0; row < rows; row++)
        {
            if (_specification.UsesNumeratorTables)
            {
                results[row] = _hasLongDistances ? LongTableRow(scratch, row, Math.Abs(slopes[row])) : TableRow(scratch, row, Math.Abs(slopes[row]));
            }
            else
            {
                results[row] = LogitRow(scratch, head, keyHead, firstQuery + row, row);
            }
        }

        if (IsFull)
        {
            WriteFullRows(scratch, head, keyHead, firstQuery, rows, results, destination);
        }
        else
        {
            MultiplyValues(scratch, keyHead);
            WriteRows(scratch, head, keyHead, firstQuery, rows, results, destination);
        }

        if (logSumExp is not null)
        {
            for (int row = 0; row < rows; row++)
            {
                logSumExp[((long)head * _specification.Shape.QueryLength) + firstQuery + row] = results[row].LogSumExp;
            }
        }
    }

    // Stage A.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindDistances(BinaryScratch scratch, int head, int keyHead, int firstQuery, int rows, double* slopes)
    {
        int dimension = _specification.Shape.HeadDimension;
        if (_hasLongDistances)
        {
            for (int row = 0; row < rows; row++)
            {
                bool flip = _specification.UsesNumeratorTables && slopes[row] < 0;
                LongDistances.Find(_queries.Words(head, firstQuery + row), _keyValue.SignWords(keyHead), _specification.Shape.KeyLength, dimension, flip, scratch.LongDistances + ((long)row * scratch.PaddedKeys));
            }

            return;
        }

        for (int row = 0; row < Rows; row++)
        {
            bool flip = _specification.UsesNumeratorTables && slopes[row] < 0;
            TLookup.BuildTables(_queries.Words(head, firstQuery + Math.Min(row, rows - 1)), dimension, flip, scratch.QueryTables + (row * _planes * TLookup.TableBytes));
        }

        TLookup.Distances(_keyValue.Codes(keyHead), scratch.PaddedKeys / KeyCodes.BlockKeys, _planes, scratch.QueryTables, scratch.Distances, scratch.PaddedKeys);
    }

    // Stage B in table mode.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult TableRow(BinaryScratch scratch, int row, double slope)
    {
        int keys = _specification.Shape.KeyLength;
        int dimension = _specification.Shape.HeadDimension;
        byte* distances = scratch.Distances + ((long)row * scratch.PaddedKeys);
        int minimum = TLookup.Minimum(distances, keys);
        double rowMax = slope * (dimension - (2 * minimum));
        if (_specification.Quantization == ValueQuantization.TrainingParity)
        {
            int* counts = stackalloc int[BinaryScratch.TableEntries];
            DistanceHistogram.Count(distances, keys, minimum, counts);
            double sum = NumeratorTable.RowSum(slope, new ReadOnlySpan<int>(counts, dimension + 1));
            int last = scratch.SetProbabilities(slope, sum, dimension + 1);
            TLookup.Map(distances, keys, minimum, scratch.Numerators, scratch.Residuals, last, out _);
            return RowResult.TrainingParity(rowMax, sum);
        }

        int lastEntry = scratch.SetNumerators(slope, dimension + 1);
        long numeratorSum = TLookup.Map(distances, keys, minimum, scratch.Numerators, scratch.Residuals, lastEntry, out long residualSum);
        return RowResult.Tiled(rowMax, numeratorSum, residualSum);
    }

    // Stage B in table mode where distances exceed a byte: plain loops.
    private RowResult LongTableRow(BinaryScratch scratch, int row, double slope)
    {
        int keys = _specification.Shape.KeyLength;
        int dimension = _specification.Shape.HeadDimension;
        var distances = new ReadOnlySpan<int>(scratch.LongDistances + ((long)row * scratch.PaddedKeys), keys);
        var probabilities = new Span<byte>(scratch.Distances + ((long)row * scratch.PaddedKeys), scratch.PaddedKeys);
        probabilities[keys..].Clear();
        return LongDistances.Map(distances, probabilities, slope, dimension, _specification.Quantization);
    }

    // Stage B with float logits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult LogitRow(BinaryScratch scratch, int head, int keyHead, int query, int row)
    {
        AttentionShape shape = _specification.Shape;
        float* logits = IsFull ? scratch.FloatRows + ((long)row * scratch.PaddedKeys) : scratch.Logits;
        byte* distances = scratch.Distances + ((long)row * scratch.PaddedKeys);
        float* bias = _bias is null ? null : _bias.Row(head / shape.HeadCount, head % shape.HeadCount, query, scratch.BiasRow);
        float rowFactor = _queries.Weight(head, query) * _specification.LogitScale;
        if (_hasLongDistances)
        {
            LongDistances.Logits(scratch.LongDistances + ((long)row * scratch.PaddedKeys), shape.KeyLength, shape.HeadDimension, rowFactor, _keyValue.Weights(keyHead), bias, logits);
        }
        else
        {
            LogitRows<TFloat, TFloatLanes>.Logits(distances, shape.KeyLength, shape.HeadDimension, rowFactor, _keyValue.Weights(keyHead), bias, logits);
        }

        // Whole vectors; a key group of the integer product never reaches beyond them.
        int padded = (shape.KeyLength + TFloatLanes.Count - 1) / TFloatLanes.Count * TFloatLanes.Count;
        new Span<float>(logits + shape.KeyLength, padded - shape.KeyLength).Fill(float.NegativeInfinity);
        double rowMax = LogitRows<TFloat, TFloatLanes>.Max(logits, padded);
        float rowSum = double.IsFinite(rowMax) ? LogitRows<TFloat, TFloatLanes>.Exponentials(logits, padded, (float)rowMax) : float.NaN;
        if (float.IsNaN(rowSum))
        {
            // Masked throughout, or a logit is beyond float32 (an infinity, or a NaN from infinity times 0), which the maximum may have lost to the padding.
            int* longDistances = _hasLongDistances ? scratch.LongDistances + ((long)row * scratch.PaddedKeys) : null;
            rowSum = LogitsBeyondFloat.Exponentials(distances, longDistances, shape.KeyLength, shape.HeadDimension, (double)_queries.Weight(head, query) * _specification.LogitScale, _keyValue.Weights(keyHead), bias, logits, out rowMax);
            new Span<float>(logits + shape.KeyLength, padded - shape.KeyLength).Clear();
            if (rowSum == 0)
            {
                new Span<byte>(distances, padded).Clear();
                return RowResult.Masked;
            }
        }

        switch (_specification.Quantization)
        {
            case ValueQuantization.Tiled:
                LogitRows<TFloat, TFloatLanes>.Quantize(logits, padded, 255f, distances);
                return RowResult.TiledFloat(rowMax, rowSum);
            case ValueQuantization.TrainingParity:
                LogitRows<TFloat, TFloatLanes>.Quantize(logits, padded, 255f / rowSum, distances);
                return RowResult.TrainingParity(rowMax, rowSum);
            default:
                return RowResult.Full(rowMax, rowSum);
        }
    }

    // Stage C: sums[row][channel] = sum over keys of probability * level.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyValues(BinaryScratch scratch, int keyHead)
    {
        int channels = _layout.PaddedChannels;
        int panelChannels = _layout.PanelChannels;
        new Span<int>(scratch.Sums, Rows * channels).Clear();
        if (scratch.LongSums is not null)
        {
            new Span<long>(scratch.LongSums, Rows * channels).Clear();
        }

        sbyte* levels = _keyValue.Levels(keyHead);
        int keys = (_specification.Shape.KeyLength + TIntegerLanes.GroupKeys - 1) / TIntegerLanes.GroupKeys * TIntegerLanes.GroupKeys;
        for (int key = 0; key < keys; key += BinaryScratch.ChunkKeys)
        {
            if (key > 0 && key % IntegerProduct<TInteger, TIntegerLanes>.MaxKeys == 0)
            {
                EmptySums(scratch, channels);
            }

            int count = Math.Min(BinaryScratch.ChunkKeys, keys - key);
            byte* probabilities = scratch.Distances + key;
            nint rowBytes = scratch.PaddedKeys;
            if (TIntegerLanes.GroupKeys == 2)
            {
                rowBytes = WidenProbabilities(scratch, probabilities, count);
                probabilities = (byte*)scratch.Words;
            }

            for (int panel = 0; panel < _layout.Panels; panel++)
            {
                sbyte* values = levels + (panel * _layout.PanelBytes) + ((long)key * panelChannels);
                IntegerProduct<TInteger, TIntegerLanes>.Accumulate(probabilities, rowBytes, values, count / TIntegerLanes.GroupKeys, scratch.Sums + (panel * panelChannels), channels);
            }
        }

        if (scratch.LongSums is not null)
        {
            EmptySums(scratch, channels);
        }
    }

    private static nint WidenProbabilities(BinaryScratch scratch, byte* probabilities, int count)
    {
        for (int row = 0; row < Rows; row++)
        {
            TensorPrimitives.ConvertChecked<byte, ushort>(
                new ReadOnlySpan<byte>(probabilities + ((long)row * scratch.PaddedKeys), count),
                new Span<ushort>(scratch.Words + ((long)row * count), count));
        }

        return count * sizeof(ushort);
    }

    private static void EmptySums(BinaryScratch scratch, int channels)
    {
        for (int i = 0; i < Rows * channels; i++)
        {
            scratch.LongSums[i] += scratch.Sums[i];
            scratch.Sums[i] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteRows(BinaryScratch scratch, int head, int keyHead, int firstQuery, int rows, RowResult* results, TokenView destination)
    {
        AttentionShape shape = _specification.Shape;
        for (int row = 0; row < rows; row++)
        {
            if (results[row].IsMasked)
            {
                FillRow(destination, null, head, firstQuery + row, 0, 0);
                continue;
            }

            float* output = destination.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row);
            long offset = (long)row * _layout.PaddedChannels;
            OutputRow.Write(scratch.Sums + offset, scratch.LongSums is null ? null : scratch.LongSums + offset, results[row].Factor, _keyValue.Scales(keyHead), _keyValue.Means(keyHead), shape.ValueDimension, output);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteFullRows(BinaryScratch scratch, int head, int keyHead, int firstQuery, int rows, RowResult* results, TokenView destination)
    {
        AttentionShape shape = _specification.Shape;
        int panels = FloatPanels.Count(shape.ValueDimension, FloatPanelColumns);
        int columns = panels * FloatPanelColumns;
        float* values = _keyValue.FloatValues(keyHead);
        // 0, or NaN for a channel that holds a NaN or infinity.
        float* channelMarks = _keyValue.Means(keyHead);

        // Chunk by chunk, as stage C: one float sum over a million keys would lose four digits.
        for (int key = 0; key < shape.KeyLength; key += BinaryScratch.ChunkKeys)
        {
            int count = Math.Min(BinaryScratch.ChunkKeys, shape.KeyLength - key);
            for (int panel = 0; panel < panels; panel++)
            {
                float* chunk = values + (((long)panel * scratch.PaddedKeys) + key) * FloatPanelColumns;
                FloatProduct<TFloat, TFloatLanes>.Multiply(scratch.FloatRows + key, scratch.PaddedKeys, chunk, count, scratch.FloatSums + (panel * FloatPanelColumns), columns, accumulate: key > 0);
            }
        }

        for (int row = 0; row < rows; row++)
        {
            float* output = destination.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row);
            if (results[row].IsMasked)
            {
                // Not 0 times the sums: a NaN value must not reach a row that sees no key.
                new Span<float>(output, shape.ValueDimension).Clear();
                continue;
            }

            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(scratch.FloatSums + ((long)row * columns), shape.ValueDimension), results[row].Factor, new ReadOnlySpan<float>(channelMarks, shape.ValueDimension), new Span<float>(output, shape.ValueDimension));
        }
    }

    private void FillRow(TokenView destination, float* logSumExp, int head, int query, float value, float logSumExpValue)
    {
        AttentionShape shape = _specification.Shape;
        new Span<float>(destination.Token(head / shape.HeadCount, head % shape.HeadCount, query), shape.ValueDimension).Fill(value);
        if (logSumExp is not null)
        {
            logSumExp[((long)head * shape.QueryLength) + query] = logSumExpValue;
        }
    }
}
