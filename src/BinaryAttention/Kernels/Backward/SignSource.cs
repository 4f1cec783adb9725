// The backward pass of one-bit attention: distances by byte lookups as in the forward pass, logits and exponentials from them; weighted signs multiply the logit gradients; straight-through signs and
// magnitudes finish (SignGradient).
using BinaryAttention.Bits;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class SignSource<TLookup, TVector, TLanes> : BackwardSource
    where TLookup : struct, IHammingLookup
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    private const int UnitRows = BackwardPartition.UnitRows;

    private readonly AttentionSpecification _specification;
    private readonly BackwardCall _call;
    private readonly BackwardPartition _partition;
    private readonly PackedQueries _queries;
    private readonly PackedKeySigns _keys;
    private readonly BiasRows? _bias;
    private readonly BinaryScratch[] _scratches;
    private readonly bool _hasLongDistances;
    private readonly int _planes;

    public SignSource(AttentionSpecification specification, BackwardCall call, BackwardPartition partition, TileLoop loop)
    {
        _call = call;
        _partition = partition;

        // Tiled rounding counts as straight-through: the same logits, float probabilities.
        _specification = specification.Quantization == ValueQuantization.Tiled ? specification with { Quantization = ValueQuantization.Full } : specification;
        AttentionShape shape = specification.Shape;
        _hasLongDistances = shape.HeadDimension > BinaryRunLimits.ByteDistances;
        _planes = KeyCodes.Planes(shape.HeadDimension, TLookup.BitsPerCode);
        _queries = new PackedQueries(specification, loop);
        _keys = new PackedKeySigns(specification, TLookup.BitsPerCode, loop.Workers);
        _bias = BiasRows.Create(specification);
        var smallest = new ValueLayout(1, shape.KeyLength, 1, 1);
        _scratches = new BinaryScratch[loop.Workers];
        for (int worker = 0; worker < _scratches.Length; worker++)
        {
            _scratches[worker] = new BinaryScratch(_specification, smallest, _planes * TLookup.TableBytes, needsWords: false, floatColumns: 0, partition.TileQueries);
        }
    }

    public override long WorkspaceBytes => QueryBytes + _keys.Bytes + ((long)_scratches.Length * ScratchBytes);

    // Sign words and a weight per query.
    private long QueryBytes => (long)_specification.Shape.BatchSize * _specification.Shape.HeadCount * _specification.Shape.QueryLength * ((SignRow.Words(_specification.Shape.HeadDimension) * sizeof(ulong)) + sizeof(float));

    // Distances (bytes, or 32 bits), and five rows of floats, for six rows; words of 64 keys for the rows of a tile.
    private long ScratchBytes => ((_hasLongDistances ? 5L : 1L) * UnitRows * _partition.PaddedKeys) + (4L * (UnitRows + 5) * _partition.PaddedKeys) + ((long)_partition.TileQueries * _partition.PaddedKeys / 8);

    private static int PanelColumns => FloatProduct<TVector, TLanes>.PanelColumns;

    // Below, half of a panel's channels would be looked up for nothing.
    public override bool HasSignTables => TLanes.Count == 16 && _specification.Shape.HeadDimension > SignTables.PanelChannels / 2;

    public override bool QueriesShareWeight => IsShared(_specification.Weighting.Rows);

    public override bool KeysShareWeight => IsShared(_specification.Weighting.Columns);

    private int PaddedChannels => SignRow.Words(_specification.Shape.HeadDimension) * SignTables.PanelChannels;

    public override float* QueryWeights(int head) => _queries.Weights(0, head);

    public override float* KeyWeights(int keyHead) => _keys.Weights(keyHead);

    public override KeySelection Selection(int worker) => _scratches[worker].Selection;

    public override void SetQueries(TileLoop loop, CancellationToken cancellationToken) => _queries.Set(_call.Query, cancellationToken);

    public override void SetKeys(int keyHead, int worker, float* panels)
    {
        AttentionShape shape = _specification.Shape;
        int valid = _specification.ValidKeys(keyHead / shape.KeyHeadCount);
        int wordsPerToken = SignRow.Words(shape.HeadDimension);
        ulong* words = _keys.Set(_call.Key, keyHead, worker);
        if (HasSignTables)
        {
            for (int key = 0; key < valid; key += SignTables.GroupTokens)
            {
                SignTables.WriteIndices(words + ((long)key * wordsPerToken), Math.Min(SignTables.GroupTokens, valid - key), shape.HeadDimension, (int*)panels + ((long)key / SignTables.GroupTokens * PaddedChannels));
            }

            return;
        }

        for (int key = 0; key < valid; key++)
        {
            SignPanels.Write(words + ((long)key * wordsPerToken), _keys.Weights(keyHead)[key], shape.HeadDimension, PanelColumns, (nint)_partition.PaddedKeys * PanelColumns, panels + ((long)key * PanelColumns));
        }
    }

    public override void QueryPanels(int head, int firstQuery, int queries, int panelRows, float* panels)
    {
        float scale = _specification.ScaleOf(head % _specification.Shape.HeadCount);
        int dimension = _specification.Shape.HeadDimension;
        if (HasSignTables)
        {
            for (int row = 0; row < queries; row += SignTables.GroupTokens)
            {
                SignTables.WriteIndices(_queries.Words(0, head, firstQuery + row), Math.Min(SignTables.GroupTokens, queries - row), dimension, (int*)panels + ((long)row / SignTables.GroupTokens * PaddedChannels));
            }

            return;
        }

        for (int row = 0; row < queries; row++)
        {
            int query = firstQuery + row;
            SignPanels.Write(_queries.Words(0, head, query), _queries.Weight(0, head, query) * scale, dimension, PanelColumns, (nint)panelRows * PanelColumns, panels + ((long)row * PanelColumns));
        }
    }

    public override void Exponentials(BackwardScratch scratch, int worker, int head, int keyHead, int firstQuery, int queries)
    {
        BinaryScratch binary = _scratches[worker];
        float scale = _specification.ScaleOf(head % _specification.Shape.HeadCount);
        float* weights = _specification.UsesNumeratorTables
            ? _keys.Weights(keyHead)
            : SelectedKeys.Of(_keys.Weights(keyHead), _specification.Shape.KeyLength, binary.Selection, binary.SelectedWeights);
        for (int first = 0; first < queries; first += UnitRows)
        {
            int rows = Math.Min(UnitRows, queries - first);

            // Numerator tables rank keys from the nearest on: a negative slope flips the bits, and its sign is taken back in the logits.
            bool flip = _specification.UsesNumeratorTables && scale < 0;
            FindDistances(binary, head, keyHead, firstQuery + first, rows, flip);
            for (int row = 0; row < rows; row++)
            {
                Row(scratch, binary, head, firstQuery + first + row, first + row, row, flip ? -scale : scale, weights);
            }
        }
    }

    public override void FinishQueries(int head, TokenView gradient)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.HeadCount;
        float* rowWeights = _call.RowWeights is null ? null : _call.RowWeights + ((long)head * shape.QueryLength);
        int valid = _specification.ValidQueries(batch);
        SignGradient.Finish(_call.Query, gradient, batch, head % shape.HeadCount, valid, shape.HeadDimension, _specification.QuerySide, QueryWeights(head), rowWeights);
        ClearPadding(rowWeights, valid, shape.QueryLength);
    }

    public override void FinishKeys(int keyHead, TokenView gradient)
    {
        AttentionShape shape = _specification.Shape;
        int batch = keyHead / shape.KeyHeadCount;
        float* columnWeights = _call.ColumnWeights is null ? null : _call.ColumnWeights + ((long)keyHead * shape.KeyLength);
        int valid = _specification.ValidKeys(batch);
        SignGradient.Finish(_call.Key, gradient, batch, keyHead % shape.KeyHeadCount, valid, shape.HeadDimension, _specification.KeySide, _keys.Weights(keyHead), columnWeights);
        ClearPadding(columnWeights, valid, shape.KeyLength);
    }

    public override void Dispose()
    {
        _queries.Dispose();
        _keys.Dispose();
        _bias?.Dispose();
        foreach (BinaryScratch scratch in _scratches)
        {
            scratch.Dispose();
        }
    }

    private static bool IsShared(SignWeightingMode mode) => mode is SignWeightingMode.MeanMagnitudePerHead or SignWeightingMode.None;

    private static void ClearPadding(float* weightGradient, int first, int end)
    {
        if (weightGradient is not null)
        {
            new Span<float>(weightGradient + first, end - first).Clear();
        }
    }

    private void FindDistances(BinaryScratch binary, int head, int keyHead, int firstQuery, int rows, bool flip)
    {
        int dimension = _specification.Shape.HeadDimension;
        for (int row = 0; row < UnitRows && !_hasLongDistances; row++)
        {
            TLookup.BuildTables(_queries.Words(0, head, firstQuery + Math.Min(row, rows - 1)), dimension, flip, binary.QueryTables + (row * _planes * TLookup.TableBytes));
        }

        foreach (KeyRun run in binary.Selection.Runs)
        {
            if (!_hasLongDistances)
            {
                TLookup.Distances(_keys.Codes(keyHead) + ((long)run.FirstBlock * _planes * KeyCodes.BlockKeys), run.Blocks, _planes, binary.QueryTables, binary.Distances + run.Position, binary.PaddedKeys);
                continue;
            }

            int keys = Math.Min(run.Keys, _specification.Shape.KeyLength - run.FirstKey);
            for (int row = 0; row < rows; row++)
            {
                ulong* words = _keys.Words(keyHead) + ((long)run.FirstKey * SignRow.Words(dimension));
                LongDistances.Find(_queries.Words(0, head, firstQuery + row), words, keys, dimension, flip, binary.LongDistances + ((long)row * binary.PaddedKeys) + run.Position);
            }
        }
    }

    private void Row(BackwardScratch scratch, BinaryScratch binary, int head, int query, int tileRow, int unitRow, float scale, float* weights)
    {
        AttentionShape shape = _specification.Shape;
        KeySelection selection = binary.Selection;
        long distances = (long)unitRow * binary.PaddedKeys;
        int keys = selection.Keys(tileRow);
        ulong* words = selection.HasGaps(tileRow) ? selection.Words(tileRow) : null;
        float* row = scratch.Exponentials + (tileRow * scratch.RowStride);
        float* bias = SelectedKeys.Bias(_bias, shape, selection, head, query, keys, binary.BiasRow, binary.SelectedBias);
        var term = new LogitTerm
        {
            Distances = binary.Distances + distances,
            LongDistances = _hasLongDistances ? binary.LongDistances + distances : null,
            RowWeight = _queries.Weight(0, head, query),
            Scale = scale,
            ColumnWeights = weights,
        };
        double sum = keys == 0 ? 0 : Exponentials(term, keys, bias, words, selection.PaddedKeys, row, _call.LogSumExp[((long)head * shape.QueryLength) + query]);
        scratch.InverseSum[tileRow] = sum == 0 ? 0 : (float)(1 / sum);
        if (_specification.Quantization == ValueQuantization.TrainingParity)
        {
            float* factors = scratch.Factors + (tileRow * scratch.RowStride);
            if (sum != 0)
            {
                FindLevels(binary, term, keys, words, (float)(255 / sum), row);
                Widen(term.Distances, factors, keys);
                new Span<float>(factors + keys, selection.PaddedKeys - keys).Clear();
            }
            else
            {
                new Span<float>(factors, selection.PaddedKeys).Clear();
            }
        }

        if (sum == 0)
        {
            new Span<float>(row, selection.PaddedKeys).Clear();
        }
    }

    private double Exponentials(in LogitTerm term, int keys, float* bias, ulong* words, int paddedKeys, float* row, float logSumExp)
    {
        int dimension = _specification.Shape.HeadDimension;
        if (_hasLongDistances)
        {
            LongDistances.Logits(term, keys, dimension, bias, row);
        }
        else
        {
            LogitRows<TVector, TLanes>.Logits(term.Distances, keys, dimension, term.RowWeight * term.Scale, term.ColumnWeights, bias, row);
        }

        if (words is not null)
        {
            MaskedRows.SetMinusInfinity(row, words, keys);
        }

        double sum = ProbabilityRow<TVector, TLanes>.Exponentials(row, keys, paddedKeys, logSumExp);
        if (!ProbabilityRow<TVector, TLanes>.IsUsable(sum))
        {
            sum = LogitsBeyondFloat.Exponentials([term], keys, dimension, bias, words, row, out _);
            new Span<float>(row + keys, paddedKeys - keys).Clear();
        }

        return sum;
    }

    // The 8-bit probabilities that the forward pass multiplied by, in place of the distances.
    private void FindLevels(BinaryScratch binary, in LogitTerm term, int keys, ulong* words, float scale, float* exponentials)
    {
        int dimension = _specification.Shape.HeadDimension;
        if (!_specification.UsesNumeratorTables)
        {
            int padded = (keys + TLanes.Count - 1) / TLanes.Count * TLanes.Count;
            LogitRows<TVector, TLanes>.Quantize(exponentials, padded, scale, term.Distances);
            return;
        }

        double slope = (double)term.RowWeight * (double)term.ColumnWeights[0] * (double)term.Scale;
        if (_hasLongDistances)
        {
            TableStage<TLookup>.LongRow(binary, term.LongDistances, term.Distances, keys, words, slope, dimension, ValueQuantization.TrainingParity);
        }
        else
        {
            TableStage<TLookup>.Row(binary, term.Distances, keys, words, slope, dimension, ValueQuantization.TrainingParity);
        }
    }

    private static void Widen(byte* levels, float* factors, int keys)
    {
        int key = 0;
        for (; key + TLanes.Count <= keys; key += TLanes.Count)
        {
            TLanes.Store(TLanes.FromBytes(levels + key), factors + key);
        }

        for (; key < keys; key++)
        {
            factors[key] = levels[key];
        }
    }
}
