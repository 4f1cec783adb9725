// Everything but table mode: distances by generated code, logits, exponentials and 8-bit probabilities row by row in float32 vectors (the portable kernel's stage B), values by generated code.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class LogitTiles : IDisposable
{
    private const int Line = TileFrame.Line;

    private readonly AttentionSpecification _specification;
    private readonly TilePlan _plan;
    private readonly TileKernels _kernels;
    private readonly AllowedKeys _allowed;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly BiasRows? _bias;
    private readonly LogitScratch?[] _scratches;
    private readonly bool _isInterleaved;

    public LogitTiles(AttentionSpecification specification, in TilePlan plan, TileKernels kernels, AllowedKeys allowed, PackedKeyValue keyValue, PackedQueries queries, int workers, bool isInterleaved)
    {
        _specification = specification;
        _plan = plan;
        _kernels = kernels;
        _allowed = allowed;
        _keyValue = keyValue;
        _queries = queries;
        _bias = BiasRows.Create(specification);
        _scratches = new LogitScratch?[workers];
        _isInterleaved = isInterleaved;
    }

    public void Dispose()
    {
        _bias?.Dispose();
        foreach (LogitScratch? scratch in _scratches)
        {
            scratch?.Dispose();
        }
    }

    /// <summary>Computes some queries of one head, or their log-sum-exp alone.</summary>
    public void Attend(AssembledScratch scratch, HeadOperands* head, int worker, int keyHead, int firstQuery, int endQuery, bool logSumExpOnly)
    {
        LogitScratch rowScratch = _scratches[worker] ??= new LogitScratch(_plan, _specification);
        float scale = _specification.ScaleOf(head->Head % _specification.Shape.HeadCount);

        // No query is reversed: that is for table mode.
        new Span<double>(scratch.Slopes, endQuery - firstQuery).Clear();
        head->Slopes = scratch.Slopes;
        for (int query = firstQuery; query < endQuery; query += _plan.Tile.Rows)
        {
            AttendTile(scratch, rowScratch, head, keyHead, query, endQuery, scale, logSumExpOnly);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AttendTile(AssembledScratch scratch, LogitScratch rowScratch, HeadOperands* head, int keyHead, int firstQuery, int endQuery, float scale, bool logSumExpOnly)
    {
        TileSlot* slot = scratch.First;
        int rows = _plan.Tile.Rows;
        byte* distances = slot->Distances;
        long pairBytes = (long)KeyCodes.Blocks(_specification.Shape.KeyLength) * rows * Line;
        int blocks = KeyCodes.Blocks(head->KeyLength);
        slot->FirstQuery = firstQuery;
        slot->Queries = Math.Min(rows, endQuery - firstQuery);
        TileSelection.Select(slot, _allowed, head->Head, rows);
        if (_isInterleaved)
        {
            // Rows cut their own keys; the kernel would cut in another order.
            slot->HasMask = false;
            slot->LastKeys = KeyCodes.BlockKeys;
        }

        if (slot->Blocks > 0)
        {
            for (int pair = 0; pair < _plan.PlanePairs; pair++)
            {
                int queryPlane = pair / _specification.KeyPlanes;
                head->QueryWords = _queries.Words(queryPlane, head->Head, 0);
                head->Codes = _keyValue.Codes(pair % _specification.KeyPlanes, keyHead);
                TileQueries.Prepare(slot, head, _plan.Frame, rows, firstQuery, endQuery);
                slot->Run = 0;
                slot->RunDone = 0;
                slot->Distances = distances + (pair * pairBytes);
                RunChunks(scratch, head, null, slot, blocks);
            }

            slot->Distances = distances;
            if (_plan.HasGaps)
            {
                rowScratch.SelectWeights(slot, _keyValue, keyHead, _specification.KeyPlanes);
            }
        }

        RowResult* results = stackalloc RowResult[rows];
        for (int row = 0; row < slot->Queries; row++)
        {
            results[row] = slot->Blocks == 0 ? RowResult.Masked : Row(rowScratch, slot, head, keyHead, row, pairBytes, scale);
        }

        if (logSumExpOnly)
        {
            for (int row = 0; row < slot->Queries; row++)
            {
                head->LogSumExp[slot->FirstQuery + row] = results[row].LogSumExp;
            }

            return;
        }

        if (slot->Blocks > 0)
        {
            slot->Run = 0;
            slot->RunDone = 0;
            slot->SummedKeys = 0;
            slot->MapsByKernel = false;
            TileTables.ClearLongSums(scratch, slot);
            RunChunks(scratch, head, slot, null, blocks);
        }

        for (int row = 0; row < slot->Queries; row++)
        {
            TileOutput.WriteRow(slot, head, _plan.Tile, row, results[row]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunChunks(AssembledScratch scratch, HeadOperands* head, TileSlot* current, TileSlot* next, int blocks)
    {
        int chunkBlocks = _plan.ChunkKeys / KeyCodes.BlockKeys;
        for (int firstBlock = 0; firstBlock < blocks; firstBlock += chunkBlocks)
        {
            _kernels.Run(scratch, head, current, next, Math.Min(firstBlock + chunkBlocks, blocks));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult Row(LogitScratch rowScratch, TileSlot* slot, HeadOperands* head, int keyHead, int row, long pairBytes, float scale)
    {
        int rows = _plan.Tile.Rows;
        Vector512<byte> toNatural = _isInterleaved ? KeyOrder.ToNatural : KeyOrder.Same;
        Vector512<byte> toPacked = _isInterleaved ? KeyOrder.ToInterleaved : KeyOrder.Same;
        int selected = slot->Blocks * KeyCodes.BlockKeys;
        int keys = Math.Min(slot->RowKeys[row], selected);
        for (int pair = 0; pair < _plan.PlanePairs; pair++)
        {
            Gather(slot->Distances + (pair * pairBytes) + (row * Line), slot->Blocks, rows, rowScratch.Distances + (pair * rowScratch.PaddedKeys), toNatural);
        }

        ulong* words = null;
        if (_plan.HasGaps && slot->HasMask)
        {
            words = rowScratch.Words;
            ulong any = 0;
            for (int block = 0; block < slot->Blocks; block++)
            {
                words[block] = slot->Mask[(block * rows) + row];
                any |= words[block];
            }

            keys = any == 0 ? 0 : keys;
        }

        keys = Math.Min(keys, SelectedKeys(slot));
        byte* probabilities = rowScratch.Distances;
        RowResult result = RowResult.Masked;
        if (keys > 0)
        {
            result = LogitRow(rowScratch, slot, head, keyHead, row, keys, words, scale);
        }

        new Span<byte>(probabilities + keys, selected - keys).Clear();
        Scatter(probabilities, slot->Blocks, rows, slot->Distances + (row * Line), toPacked);
        return result;
    }

    // Keys that exist: the last selected block may reach beyond the last key.
    private int SelectedKeys(TileSlot* slot)
    {
        TileRun* last = slot->Runs + slot->RunCount - 1;
        int end = Math.Min((last->FirstBlock + last->Blocks) * KeyCodes.BlockKeys, _specification.Shape.KeyLength);
        return (last->Position * KeyCodes.BlockKeys) + end - (last->FirstBlock * KeyCodes.BlockKeys);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowResult LogitRow(LogitScratch rowScratch, TileSlot* slot, HeadOperands* head, int keyHead, int row, int keys, ulong* words, float scale)
    {
        int query = slot->FirstQuery + row;
        LogitTerm* terms = stackalloc LogitTerm[BinaryRunLimits.PlanePairs];
        for (int pair = 0; pair < _plan.PlanePairs; pair++)
        {
            int keyPlane = pair % _specification.KeyPlanes;
            terms[pair] = new LogitTerm
            {
                Distances = rowScratch.Distances + (pair * rowScratch.PaddedKeys),
                RowWeight = _queries.Weight(pair / _specification.KeyPlanes, head->Head, query),
                Scale = scale,
                ColumnWeights = _plan.HasGaps ? rowScratch.SelectedWeights + (keyPlane * rowScratch.PaddedKeys) : _keyValue.Weights(keyPlane, keyHead),
            };
        }

        float* bias = _bias is null ? null : SelectBias(_bias, rowScratch, slot, head->Head, query, keys);
        return LogitStage<Vector512<float>, FloatLanes512>.Row(
            new ReadOnlySpan<LogitTerm>(terms, _plan.PlanePairs), keys, head->HeadDimension, bias, words, _specification.Quantization, rowScratch.Logits, rowScratch.Distances);
    }

    private float* SelectBias(BiasRows bias, LogitScratch rowScratch, TileSlot* slot, int head, int query, int keys)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.HeadCount;
        int itemHead = head % shape.HeadCount;
        if (!_plan.HasGaps)
        {
            return bias.Row(batch, itemHead, query, 0, keys, rowScratch.BiasRow);
        }

        for (int run = 0; run < slot->RunCount; run++)
        {
            int firstKey = slot->Runs[run].FirstBlock * KeyCodes.BlockKeys;
            int count = Math.Min(slot->Runs[run].Blocks * KeyCodes.BlockKeys, shape.KeyLength - firstKey);
            float* row = bias.Row(batch, itemHead, query, firstKey, count, rowScratch.BiasRow);
            new ReadOnlySpan<float>(row + firstKey, count).CopyTo(new Span<float>(rowScratch.SelectedBias + (slot->Runs[run].Position * KeyCodes.BlockKeys), count));
        }

        return rowScratch.SelectedBias;
    }

    // One row out of [block][row][64].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(byte* source, int blocks, int rows, byte* row, Vector512<byte> order)
    {
        for (int block = 0; block < blocks; block++)
        {
            Avx512Vbmi.PermuteVar64x8(Vector512.Load(source + ((long)block * rows * Line)), order).Store(row + (block * Line));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter(byte* row, int blocks, int rows, byte* destination, Vector512<byte> order)
    {
        for (int block = 0; block < blocks; block++)
        {
            Avx512Vbmi.PermuteVar64x8(Vector512.Load(row + (block * Line)), order).Store(destination + ((long)block * rows * Line));
        }
    }
}
