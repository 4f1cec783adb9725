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
    private const int GranuleKeys = 16;
    private const int ItemQueries = 192;

    private readonly AttentionSpecification _specification;
    private readonly ValueLayout _layout;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly TileShape _tile;
    private readonly TileFrame _frame;
    private readonly bool _wideDistances;
    private readonly MachineCode?[] _kernels = new MachineCode?[16];
    private readonly ConcurrentBag<AssembledScratch> _scratches = [];

    public AssembledBinaryRun(AttentionSpecification specification)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        _tile = TileShape.For(shape.ValueDimension);
        _frame = new TileFrame(_tile, KeyCodes.Planes(shape.HeadDimension, CodeBits));
        _layout = new ValueLayout(shape.ValueDimension, shape.KeyLength, _tile.PanelChannels, ValueProductEmitter.GroupKeys);
        _wideDistances = shape.HeadDimension > AssembledLimits.NarrowDistances;
        _keyValue = new PackedKeyValue(specification, _layout, CodeBits, floatPanelColumns: 1);
        _queries = new PackedQueries(specification);
    }

    private int Blocks => KeyCodes.Blocks(_specification.Shape.KeyLength);

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
            for (int query = firstQuery; query < firstQuery + queries; query++)
            {
                FillRow(destination, logSumExp, head, query, float.NaN);
            }

            return;
        }

        if (!_scratches.TryTake(out AssembledScratch? scratch))
        {
            scratch = new AssembledScratch(_tile, _frame, _specification.Shape.KeyLength, _layout.Panels);
        }

        AttendTiles(scratch, head, keyHead, firstQuery, queries, destination, logSumExp);
        _scratches.Add(scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendTiles(AssembledScratch scratch, int head, int keyHead, int firstQuery, int queries, TokenView destination, float* logSumExp)
    {
        TileSlot current = scratch.First;
        TileSlot next = scratch.Second;
        int end = firstQuery + queries;
        PrepareQueries(current, head, keyHead, firstQuery, end);
        Multiply(scratch, null, current, keyHead, mapsByKernel: false);
        for (int query = firstQuery; query < end; query += _tile.Rows)
        {
            bool mapsByKernel = TileTables.Prepare(scratch, current, _frame, _tile.Rows, _specification.Shape.HeadDimension, Blocks);
            if (!mapsByKernel)
            {
                TileTables.MapRows(scratch, current, _frame, _tile.Rows, _specification.Shape.HeadDimension, Blocks);
            }

            bool hasNext = query + _tile.Rows < end;
            if (hasNext)
            {
                PrepareQueries(next, head, keyHead, query + _tile.Rows, end);
            }

            Multiply(scratch, current, hasNext ? next : null, keyHead, mapsByKernel);
            WriteRows(scratch, current, head, keyHead, query, Math.Min(_tile.Rows, end - query), destination, logSumExp);
            (current, next) = (next, current);
        }
    }

    // Slopes, query codes and empty minima of a tile. Rows beyond the last query repeat it; their results are not written.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PrepareQueries(TileSlot slot, int head, int keyHead, int firstQuery, int end)
    {
        float columnWeight = _keyValue.Weights(keyHead)[0];
        int dimension = _specification.Shape.HeadDimension;
        int words = SignRow.Words(dimension);
        ulong lastValid = ulong.MaxValue >> ((64 - (dimension % 64)) % 64);
        new Span<byte>(slot.Frame + _frame.Minima, _tile.Rows * TileFrame.Line).Fill(byte.MaxValue);
        for (int row = 0; row < _tile.Rows; row++)
        {
            int query = Math.Min(firstQuery + row, end - 1);
            double slope = (double)_queries.Weight(head, query) * (double)columnWeight * (double)_specification.LogitScale;
            slot.Slopes[row] = slope;
            ulong* signs = _queries.Words(head, query);
            uint* codes = (uint*)(slot.Frame + _frame.QueryCodes + (row * _frame.QueryCodeBytes));
            ulong flip = slope < 0 ? ulong.MaxValue : 0;
            for (int word = 0; word < words; word++)
            {
                ulong bits = signs[word] ^ (flip & (word == words - 1 ? lastValid : ulong.MaxValue));
                int planes = Math.Min(8, _frame.Planes - (word * 8));
                for (int plane = 0; plane < planes; plane++)
                {
                    codes[(word * 8) + plane] = (uint)(byte)(bits >> (8 * plane)) * 0x01010101u;
                }
            }
        }
    }

    // Runs the generated code over all keys and panels: the current tile's map and values beside the next tile's distances.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(AssembledScratch scratch, TileSlot? current, TileSlot? next, int keyHead, bool mapsByKernel)
    {
        int keys = _specification.Shape.KeyLength;
        int sums = _tile.Rows * _tile.PanelChannels;
        if (current is not null)
        {
            new Span<int>(scratch.Sums, scratch.SumCount).Clear();
            if (scratch.LongSums is not null)
            {
                new Span<long>(scratch.LongSums, scratch.SumCount).Clear();
            }
        }

        KernelArguments arguments;
        for (int firstKey = 0; firstKey < keys; firstKey += AssembledLimits.ChunkKeys)
        {
            int count = Math.Min(AssembledLimits.ChunkKeys, keys - firstKey);
            int firstBlock = firstKey / KeyCodes.BlockKeys;
            int blocks = KeyCodes.Blocks(count);
            int lastKeys = count - ((blocks - 1) * KeyCodes.BlockKeys);
            arguments.FullBlocks = blocks - 1;
            arguments.TailGranules = (lastKeys + GranuleKeys - 1) / GranuleKeys;
            arguments.Codes = _keyValue.Codes(keyHead) + ((long)firstBlock * _frame.Planes * KeyCodes.BlockKeys);
            arguments.Current = current is null ? null : current.Frame;
            arguments.Probabilities = current is null ? null : current.Distances + ((long)firstBlock * _tile.Rows * TileFrame.Line);
            arguments.Next = next is null ? null : next.Frame;
            arguments.Distances = next is null ? null : next.Distances + ((long)firstBlock * _tile.Rows * TileFrame.Line);
            arguments.Mask = null;
            if (next is not null && keys > AssembledLimits.ChunkKeys)
            {
                next.SetTail(lastKeys);
            }

            int panels = current is null ? 1 : _layout.Panels;
            for (int panel = 0; panel < panels; panel++)
            {
                KernelStages stages = KernelStages.None;
                if (current is not null)
                {
                    stages |= KernelStages.Values | (panel == 0 && mapsByKernel ? KernelStages.TableMap : KernelStages.None);
                    arguments.Sums = scratch.Sums + (panel * sums);
                    arguments.Values = _keyValue.Levels(keyHead) + (panel * _layout.PanelBytes) + ((long)firstKey * _tile.PanelChannels);
                }

                if (next is not null && panel == panels - 1)
                {
                    stages |= KernelStages.SignDot;
                }

                Kernel(stages).Run(&arguments);
            }

            if (current is not null && scratch.LongSums is not null)
            {
                for (int i = 0; i < scratch.SumCount; i++)
                {
                    scratch.LongSums[i] += scratch.Sums[i];
                    scratch.Sums[i] = 0;
                }
            }
        }
    }

    private MachineCode Kernel(KernelStages stages) =>
        _kernels[(int)stages] ??= KernelCache.Get(new KernelSpecification(_tile, _frame.Planes, stages, _wideDistances));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteRows(AssembledScratch scratch, TileSlot slot, int head, int keyHead, int firstQuery, int rows, TokenView destination, float* logSumExp)
    {
        AttentionShape shape = _specification.Shape;
        for (int row = 0; row < rows; row++)
        {
            ulong* lanes = (ulong*)(slot.Frame + _frame.RowSums + (row * TileFrame.Line));
            long numeratorSum = 0;
            long residualSum = -128L * Blocks * KeyCodes.BlockKeys;
            for (int lane = 0; lane < 8; lane++)
            {
                numeratorSum += (uint)lanes[lane];
                residualSum += (long)(lanes[lane] >> 32);
            }

            double rowMax = Math.Abs(slot.Slopes[row]) * (shape.HeadDimension - (2 * slot.Minima[row]));
            RowResult result = RowResult.Tiled(rowMax, numeratorSum, residualSum);
            float* output = destination.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row);
            for (int panel = 0; panel < _layout.Panels; panel++)
            {
                int firstChannel = panel * _tile.PanelChannels;
                int channels = Math.Min(_tile.PanelChannels, shape.ValueDimension - firstChannel);
                long offset = ((long)panel * _tile.Rows * _tile.PanelChannels) + (row * _tile.PanelChannels);
                OutputRow.Write(
                    scratch.Sums + offset,
                    scratch.LongSums is null ? null : scratch.LongSums + offset,
                    result.Factor,
                    _keyValue.Scales(keyHead) + firstChannel,
                    _keyValue.Means(keyHead) + firstChannel,
                    channels,
                    output + firstChannel);
            }

            if (logSumExp is not null)
            {
                logSumExp[((long)head * shape.QueryLength) + firstQuery + row] = result.LogSumExp;
            }
        }
    }

    private void FillRow(TokenView destination, float* logSumExp, int head, int query, float value)
    {
        AttentionShape shape = _specification.Shape;
        new Span<float>(destination.Token(head / shape.HeadCount, head % shape.HeadCount, query), shape.ValueDimension).Fill(value);
        if (logSumExp is not null)
        {
            logSumExp[((long)head * shape.QueryLength) + query] = value;
        }
    }
}
