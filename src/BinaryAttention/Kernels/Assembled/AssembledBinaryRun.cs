// One-bit attention through generated code. A work item is a run of tiles of one head; within it a pipeline of two tiles: while the current tile's probabilities meet the values, the next
// tile's distances are counted by the same code. Between the two passes over the keys a row's smallest distance is known, so nothing is rescaled and table mode is exact.
using System.Collections.Concurrent;
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
    private const int ItemQueries = AssembledScratch.ItemQueries;

    private readonly AttentionSpecification _specification;
    private readonly ValueLayout _layout;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly TileShape _tile;
    private readonly TileFrame _frame;
    private readonly TileKernels _kernels;
    private readonly ConcurrentBag<AssembledScratch> _scratches = [];

    public AssembledBinaryRun(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        _tile = TileShape.For(shape.ValueDimension);
        _frame = new TileFrame(_tile, KeyCodes.Planes(shape.HeadDimension, CodeBits));
        _layout = new ValueLayout(shape.ValueDimension, shape.KeyLength, _tile.PanelChannels, ValueProductEmitter.GroupKeys);
        _kernels = new TileKernels(_tile, _frame, shape.HeadDimension > AssembledLimits.NarrowDistances);
        _keyValue = new PackedKeyValue(specification, _layout, CodeBits, floatPanelColumns: 1);
        _queries = new PackedQueries(specification);
    }

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken) => _keyValue.Set(key, value, cancellationToken);

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _queries.Set(query, cancellationToken);

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        int itemQueries = ItemQueries / _tile.Rows * _tile.Rows;
        int itemsPerHead = (shape.QueryLength + itemQueries - 1) / itemQueries;
        int items = checked(shape.BatchSize * shape.HeadCount * itemsPerHead);
        TileLoop.Run(
            items,
            _specification.Threads,
            item =>
            {
                int first = item % itemsPerHead * itemQueries;
                AttendItem(item / itemsPerHead, first, Math.Min(itemQueries, shape.QueryLength - first), destination, logSumExp);
            },
            cancellationToken);
    }

    public override void Dispose()
    {
        _keyValue.Dispose();
        _queries.Dispose();
        foreach (AssembledScratch scratch in _scratches)
        {
            scratch.Dispose();
        }
    }

    private void AttendItem(int head, int firstQuery, int queries, TokenView destination, float* logSumExp)
    {
        int keyHead = _specification.KeyHead(head);
        if (!_queries.AreFinite(head) || !_keyValue.KeysAreFinite(keyHead))
        {
            FillNaN(head, firstQuery, queries, destination, logSumExp);
            return;
        }

        if (!_scratches.TryTake(out AssembledScratch? scratch))
        {
            scratch = new AssembledScratch(_tile, _frame, _specification.Shape.KeyLength, _layout.Panels);
        }

        float columnWeight = _keyValue.Weights(keyHead)[0];
        for (int i = 0; i < queries; i++)
        {
            scratch.Slopes[i] = (double)_queries.Weight(head, firstQuery + i) * (double)columnWeight * (double)_specification.LogitScale;
        }

        HeadOperands operands = Operands(scratch, head, keyHead, firstQuery, destination, logSumExp);
        AttendTiles(scratch, &operands, firstQuery, firstQuery + queries);
        _scratches.Add(scratch);
    }

    private HeadOperands Operands(AssembledScratch scratch, int head, int keyHead, int firstQuery, TokenView destination, float* logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        return new HeadOperands
        {
            QueryWords = _queries.Words(head, 0),
            WordsPerQuery = SignRow.Words(shape.HeadDimension),
            LastWordMask = ulong.MaxValue >> ((64 - (shape.HeadDimension % 64)) % 64),
            Slopes = scratch.Slopes,
            FirstQuery = firstQuery,
            HeadDimension = shape.HeadDimension,
            QueryLength = shape.QueryLength,
            KeyLength = shape.KeyLength,
            Blocks = KeyCodes.Blocks(shape.KeyLength),
            Codes = _keyValue.Codes(keyHead),
            Levels = _keyValue.Levels(keyHead),
            PanelBytes = _layout.PanelBytes,
            Panels = _layout.Panels,
            Scales = _keyValue.Scales(keyHead),
            Means = _keyValue.Means(keyHead),
            ValueDimension = shape.ValueDimension,
            Output = destination.Head(head / shape.HeadCount, head % shape.HeadCount),
            OutputStride = destination.TokenStride,
            LogSumExp = logSumExp is null ? null : logSumExp + ((long)head * shape.QueryLength),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendTiles(AssembledScratch scratch, HeadOperands* head, int firstQuery, int endQuery)
    {
        TileSlot* current = scratch.First;
        TileSlot* next = scratch.Second;
        int rows = _tile.Rows;
        TileQueries.Prepare(current, head, _frame, rows, firstQuery, endQuery);
        _kernels.Run(scratch, head, null, current, mapsByKernel: false);
        for (int query = firstQuery; query < endQuery; query += rows)
        {
            bool mapsByKernel = TileTables.Prepare(scratch, current, _frame, rows, head->HeadDimension, head->Blocks);
            if (!mapsByKernel)
            {
                TileTables.MapRows(scratch, current, _frame, rows, head->HeadDimension, head->Blocks);
            }

            bool hasNext = query + rows < endQuery;
            if (hasNext)
            {
                TileQueries.Prepare(next, head, _frame, rows, query + rows, endQuery);
            }

            _kernels.Run(scratch, head, current, hasNext ? next : null, mapsByKernel);
            TileOutput.Write(current, head, _frame, _tile, scratch.Sums, scratch.LongSums);
            TileSlot* finished = current;
            current = next;
            next = finished;
        }
    }

    private void FillNaN(int head, int firstQuery, int queries, TokenView destination, float* logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        for (int query = firstQuery; query < firstQuery + queries; query++)
        {
            new Span<float>(destination.Token(head / shape.HeadCount, head % shape.HeadCount, query), shape.ValueDimension).Fill(float.NaN);
            if (logSumExp is not null)
            {
                logSumExp[((long)head * shape.QueryLength) + query] = float.NaN;
            }
        }
    }
}
