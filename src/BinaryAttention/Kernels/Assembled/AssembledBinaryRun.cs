// One-bit attention through generated code. A work item is a run of queries of one head; what computes it depends on the mode: TablePipeline where numerators depend on the distance alone,
// LogitTiles everywhere else.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class AssembledBinaryRun : KernelRun
{
    private const int CodeBits = 8;

    private readonly AttentionSpecification _specification;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _attendItem;
    private readonly ValueLayout _layout;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly AllowedKeys _allowed;
    private readonly TilePlan _plan;
    private readonly TileKernels _kernels;
    private readonly TablePipeline? _tables;
    private readonly ItemPipeline? _items;
    private readonly LogitTiles? _logits;
    private readonly LogitPipeline? _fixedPoint;
    private readonly bool _isInterleaved;
    private readonly Action<int, int> _interleave;
    private readonly AssembledScratch?[] _scratches;
    private readonly int _itemsPerHead;
    private readonly bool _hasRowWeights;
    private TokenView _destination;
    private float* _logSumExp;

    public AssembledBinaryRun(AttentionSpecification specification)
    {
        _specification = specification;
        _loop = specification.CreateLoop();
        _attendItem = AttendItem;
        _interleave = Interleave;
        AttentionShape shape = specification.Shape;
        TileShape tile = TileShape.For(shape.ValueDimension);
        _hasRowWeights = specification.Weighting.Rows is SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned;
        _layout = new ValueLayout(shape.ValueDimension, shape.KeyLength, tile.PanelChannels, ValueProductEmitter.GroupKeys);
        var frame = new TileFrame(tile, KeyCodes.Planes(shape.HeadDimension, CodeBits));
        _plan = TilePlan.For(tile, frame, shape.QueryLength, shape.KeyLength, _layout.Panels, specification.Mask, specification.QueryPlanes * specification.KeyPlanes);
        _isInterleaved = LogitPipeline.Takes(specification);
        if (_isInterleaved)
        {
            // Units depend on the queries of an item, so that its size must not depend on padding.
            _plan = _plan with { ItemQueries = TilePlan.ShortItemQueries };
        }

        _kernels = new TileKernels(_plan, shape.HeadDimension > AssembledLimits.NarrowDistances);
        _keyValue = new PackedKeyValue(specification, _loop, _layout, CodeBits, floatPanelColumns: 1);
        _queries = new PackedQueries(specification, _loop);
        _allowed = new AllowedKeys(specification);
        _scratches = new AssembledScratch?[_loop.Workers];
        _itemsPerHead = (shape.QueryLength + _plan.ItemQueries - 1) / _plan.ItemQueries;
        if (specification.UsesNumeratorTables)
        {
            _tables = new TablePipeline(_plan, _kernels, _allowed, specification.Quantization == ValueQuantization.TrainingParity);
            _items = ItemPipeline.Takes(specification, _plan) ? new ItemPipeline(specification, _plan, _loop.Workers) : null;
        }
        else
        {
            _logits = new LogitTiles(specification, _plan, _kernels, _allowed, _keyValue, _queries, _loop.Workers, _isInterleaved);
            _fixedPoint = _isInterleaved ? new LogitPipeline(specification, _plan, _allowed, _keyValue, _queries, _loop.Workers) : null;
        }
    }

    public override long PackedBytes => _keyValue.ByteCount;

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        _keyValue.Set(key, value, cancellationToken);
        if (_isInterleaved)
        {
            _loop.Run(_specification.Shape.BatchSize * _specification.Shape.KeyHeadCount, _interleave, cancellationToken);
        }
    }

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _queries.Set(query, cancellationToken);

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        _destination = destination;
        _logSumExp = logSumExp;
        _loop.Run(checked(_specification.Shape.BatchSize * _specification.Shape.HeadCount * _itemsPerHead), _attendItem, cancellationToken);
    }

    public override void Dispose()
    {
        _loop.Dispose();
        _keyValue.Dispose();
        _queries.Dispose();
        _allowed.Dispose();
        _items?.Dispose();
        _logits?.Dispose();
        _fixedPoint?.Dispose();
        foreach (AssembledScratch? scratch in _scratches)
        {
            scratch?.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendItem(int item, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int head = item / _itemsPerHead;
        int keyHead = _specification.KeyHead(head);
        int first = item % _itemsPerHead * _plan.ItemQueries;
        int end = Math.Min(first + _plan.ItemQueries, shape.QueryLength);
        int valid = Math.Clamp(_specification.ValidQueries(head / shape.HeadCount), first, end);
        FillRows(head, valid, end, 0, float.NegativeInfinity);
        if (!_queries.AreFinite(head) || !_keyValue.KeysAreFinite(keyHead))
        {
            FillRows(head, first, valid, float.NaN, float.NaN);
            return;
        }

        if (valid == first)
        {
            return;
        }

        HeadOperands operands = Operands(head, keyHead, first);
        if (_tables is not null)
        {
            AssembledScratch scratch = _scratches[worker] ??= new AssembledScratch(_plan);

            SetSlopes(scratch.Slopes, _queries.Weights(0, head) + first, valid - first, _hasRowWeights, _keyValue.Weights(0, keyHead)[0], _specification.ScaleOf(head % shape.HeadCount));
            operands.Slopes = scratch.Slopes;
            if (_items?.Attend(scratch, &operands, worker, first, valid) != true)
            {
                _tables.Attend(scratch, &operands, first, valid);
            }
        }
        else
        {
            AttendLogits(&operands, worker, keyHead, first, valid);
        }
    }

    // The same products in the same order as everywhere, row weight first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SetSlopes(double* slopes, float* weights, int count, bool hasRowWeights, float columnWeight, float scale)
    {
        if (!hasRowWeights)
        {
            new Span<double>(slopes, count).Fill((double)weights[0] * (double)columnWeight * (double)scale);
            return;
        }

        for (int query = 0; query < count; query++)
        {
            slopes[query] = (double)weights[query] * (double)columnWeight * (double)scale;
        }
    }

    // Fixed point where it fits. Log-sum-exp is wanted to float accuracy, so the float rows give it for the same queries; the output has the same bits whether it is asked for or not.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendLogits(HeadOperands* operands, int worker, int keyHead, int first, int end)
    {
        float* logSumExp = operands->LogSumExp;
        int query = first;
        while (query < end)
        {
            operands->LogSumExp = null;
            int fixedEnd = _fixedPoint is null ? query : _fixedPoint.Attend(operands, worker, keyHead, query, end);
            operands->LogSumExp = logSumExp;
            if (fixedEnd > query && logSumExp is not null)
            {
                AttendRows(operands, worker, keyHead, query, fixedEnd, logSumExpOnly: true);
            }

            query = fixedEnd;
            if (query < end)
            {
                int endRows = _fixedPoint is null ? end : Math.Min(query + _plan.Tile.Rows, end);
                AttendRows(operands, worker, keyHead, query, endRows, logSumExpOnly: false);
                query = endRows;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendRows(HeadOperands* operands, int worker, int keyHead, int first, int end, bool logSumExpOnly)
    {
        operands->FirstQuery = first;
        _logits!.Attend(_scratches[worker] ??= new AssembledScratch(_plan), operands, worker, keyHead, first, end, logSumExpOnly);
    }

    private void Interleave(int keyHead, int worker)
    {
        KeyOrder.InterleaveCodes(_keyValue.Codes(0, keyHead), (long)KeyCodes.Blocks(_specification.Shape.KeyLength) * _plan.Frame.Planes * KeyCodes.BlockKeys);
        for (int panel = 0; panel < _layout.Panels; panel++)
        {
            KeyOrder.InterleaveValues(_keyValue.Levels(keyHead) + (panel * _layout.PanelBytes), KeyCodes.Blocks(_specification.Shape.KeyLength), _plan.Tile.Vectors);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private HeadOperands Operands(int head, int keyHead, int firstQuery)
    {
        AttentionShape shape = _specification.Shape;
        return new HeadOperands
        {
            QueryWords = _queries.Words(0, head, 0),
            WordsPerQuery = SignRow.Words(shape.HeadDimension),
            LastWordMask = ulong.MaxValue >> ((64 - (shape.HeadDimension % 64)) % 64),
            FirstQuery = firstQuery,
            Head = head,
            HeadDimension = shape.HeadDimension,
            KeyLength = _specification.ValidKeys(head / shape.HeadCount),
            Codes = _keyValue.Codes(0, keyHead),
            Levels = _keyValue.Levels(keyHead),
            PanelBytes = _layout.PanelBytes,
            Panels = _layout.Panels,
            Scales = _keyValue.Scales(keyHead),
            Means = _keyValue.Means(keyHead),
            ValueDimension = shape.ValueDimension,
            Output = _destination.Head(head / shape.HeadCount, head % shape.HeadCount),
            OutputStride = _destination.TokenStride,
            LogSumExp = _logSumExp is null ? null : _logSumExp + ((long)head * shape.QueryLength),
        };
    }

    private void FillRows(int head, int first, int end, float value, float logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        for (int query = first; query < end; query++)
        {
            new Span<float>(_destination.Token(head / shape.HeadCount, head % shape.HeadCount, query), shape.ValueDimension).Fill(value);
            if (_logSumExp is not null)
            {
                _logSumExp[((long)head * shape.QueryLength) + query] = logSumExp;
            }
        }
    }
}
