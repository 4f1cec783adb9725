// One-bit attention through generated code. A work item is a run of tiles of one head; within it a pipeline of two groups of tiles: while the current group's probabilities meet the
// values, the next group's distances are counted by the same code. Between the two passes over the keys a row's smallest distance is known, so nothing is rescaled and table mode is exact.
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

    private readonly AttentionSpecification _specification;
    private readonly ValueLayout _layout;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly TilePlan _plan;
    private readonly TileKernels _kernels;
    private readonly ConcurrentBag<AssembledScratch> _scratches = [];

    public AssembledBinaryRun(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        TileShape tile = TileShape.For(shape.ValueDimension);
        _layout = new ValueLayout(shape.ValueDimension, shape.KeyLength, tile.PanelChannels, ValueProductEmitter.GroupKeys);
        _plan = TilePlan.For(tile, new TileFrame(tile, KeyCodes.Planes(shape.HeadDimension, CodeBits)), shape.KeyLength, _layout.Panels);
        _kernels = new TileKernels(_plan, shape.HeadDimension > AssembledLimits.NarrowDistances);
        _keyValue = new PackedKeyValue(specification, _layout, CodeBits, floatPanelColumns: 1);
        _queries = new PackedQueries(specification);
    }

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken) => _keyValue.Set(key, value, cancellationToken);

    public override void SetQuery(TokenView query, CancellationToken cancellationToken) => _queries.Set(query, cancellationToken);

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken)
    {
        AttentionShape shape = _specification.Shape;
        int itemQueries = _plan.ItemQueries;
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
            scratch = new AssembledScratch(_plan);
        }

        float columnWeight = _keyValue.Weights(keyHead)[0];
        for (int i = 0; i < queries; i++)
        {
            scratch.Slopes[i] = (double)_queries.Weight(head, firstQuery + i) * (double)columnWeight * (double)_specification.LogitScale;
        }

        HeadOperands operands = Operands(scratch, head, keyHead, firstQuery, destination, logSumExp);
        AttendGroups(scratch, &operands, firstQuery, firstQuery + queries);
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
    private void AttendGroups(AssembledScratch scratch, HeadOperands* head, int firstQuery, int endQuery)
    {
        TileFrame frame = _plan.Frame;
        int rows = _plan.Tile.Rows;
        int groupQueries = rows * _plan.GroupTiles;
        TileSlot* current = scratch.First;
        TileSlot* next = scratch.Second;
        int tiles = 0;
        int nextTiles = PrepareGroup(next, head, firstQuery, endQuery);
        Pass(scratch, head, null, 0, next, nextTiles);
        for (int query = firstQuery; query < endQuery; query += groupQueries)
        {
            TileSlot* finished = current;
            current = next;
            next = finished;
            tiles = nextTiles;
            for (int tile = 0; tile < tiles; tile++)
            {
                TileTables.Prepare(scratch, current + tile, frame, rows, head->HeadDimension, head->Blocks);
            }

            nextTiles = PrepareGroup(next, head, query + groupQueries, endQuery);
            Pass(scratch, head, current, tiles, next, nextTiles);
            for (int tile = 0; tile < tiles; tile++)
            {
                TileOutput.Write(current + tile, head, frame, _plan.Tile);
            }
        }
    }

    // Gives the number of tiles.
    private int PrepareGroup(TileSlot* slots, HeadOperands* head, int firstQuery, int endQuery)
    {
        int rows = _plan.Tile.Rows;
        int tiles = 0;
        for (int query = firstQuery; tiles < _plan.GroupTiles && query < endQuery; query += rows)
        {
            TileQueries.Prepare(slots + tiles, head, _plan.Frame, rows, query, endQuery);
            tiles++;
        }

        return tiles;
    }

    // All keys, chunk by chunk, for the current group's values and the next group's distances.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pass(AssembledScratch scratch, HeadOperands* head, TileSlot* current, int tiles, TileSlot* next, int nextTiles)
    {
        int chunkKeys = _plan.ChunkKeys;
        int steps = Math.Max(tiles, nextTiles);
        for (int firstKey = 0; firstKey < head->KeyLength; firstKey += chunkKeys)
        {
            int keys = Math.Min(chunkKeys, head->KeyLength - firstKey);
            for (int tile = 0; tile < steps; tile++)
            {
                _kernels.Run(scratch, head, tile < tiles ? current + tile : null, tile < nextTiles ? next + tile : null, firstKey, keys);
            }
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
