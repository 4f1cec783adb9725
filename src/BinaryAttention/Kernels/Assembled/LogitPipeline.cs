// Fixed-point log mode: what TablePipeline is for table mode. While the current tile's exponentials are taken and its probabilities meet the values, the next tile's logits are computed by the same
// code. Tiles whose logits do not fit 16 bits are left to LogitTiles.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Bits;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class LogitPipeline : IDisposable
{
    private const int Line = TileFrame.Line;
    private const int LineWords = Line / sizeof(short);

    // With a handful of keys the rounding of logits does not average out, and time is not in the pairs.
    private const int MinKeys = 64;
    private const double Log2E = 1.4426950408889634;

    // 255 * 256 at the row's maximum; the products below lose a factor 65535 / 65536.
    private const double One = 255.0 * 256.0;
    private const double WordScale = 65535.0;

    private readonly AttentionSpecification _specification;
    private readonly TilePlan _plan;
    private readonly LogitFrame _frame;
    private readonly TileKernels _kernels;
    private readonly AllowedKeys _allowed;
    private readonly PackedKeyValue _keyValue;
    private readonly PackedQueries _queries;
    private readonly BiasRows? _bias;
    private readonly RelativeWords? _relative;
    private readonly bool _hasKeyWeights;
    private readonly bool _hasKeyBias;
    private readonly bool _isDense;
    private readonly bool _isDoubled;
    private readonly LogitWorker?[] _workers;

    public LogitPipeline(AttentionSpecification specification, in TilePlan rowPlan, AllowedKeys allowed, PackedKeyValue keyValue, PackedQueries queries, int workers)
    {
        _specification = specification;
        AttentionShape shape = specification.Shape;
        _allowed = allowed;
        _keyValue = keyValue;
        _queries = queries;
        _bias = BiasRows.Create(specification);
        _hasKeyWeights = specification.Weighting.Columns is SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned;
        _hasKeyBias = _bias is not null && specification.Bias is null or { Kind: AttentionBiasKind.PerKey };
        bool hasPairBias = _bias is not null && !_hasKeyBias;
        TileShape tile = TileShape.ForLogits(shape.ValueDimension);
        int planes = KeyCodes.Planes(shape.HeadDimension, 8);
        _frame = new LogitFrame(tile, planes);
        _plan = TilePlan.ForLogits(tile, new TileFrame(tile, planes), _frame.Bytes, shape.KeyLength, rowPlan.Panels, rowPlan.ItemQueries, specification.Mask, hasPairBias);
        _isDoubled = shape.HeadDimension < AssembledLimits.NarrowDistances;
        KernelStages terms = (_hasKeyWeights ? KernelStages.KeyWeights : KernelStages.None) | (_hasKeyBias ? KernelStages.KeyBias : hasPairBias ? KernelStages.PairBias : KernelStages.None);
        _isDense = specification is { Bias.Kind: AttentionBiasKind.Dense, AddedKeyBias: null };
        terms |= _isDense ? KernelStages.Prefetch : KernelStages.None;
        _kernels = new TileKernels(_plan, !_isDoubled, terms);
        _relative = specification is { Bias.Kind: AttentionBiasKind.RelativePosition, AddedKeyBias: null } ? new RelativeWords(specification.Bias) : null;
        _workers = new LogitWorker?[workers];
    }

    /// <summary>Whether a specification's logits can be computed in fixed point.</summary>
    public static bool Takes(AttentionSpecification specification)
    {
        int dimension = specification.Shape.HeadDimension;
        return specification is { IsBinary: true, Quantization: ValueQuantization.Tiled, UsesNumeratorTables: false, QueryPlanes: 1, KeyPlanes: 1, Mask.HasGaps: false }
            && (dimension < AssembledLimits.NarrowDistances || (dimension % 2 == 0 && dimension <= AssembledLimits.HeadDimension));
    }

    public void Dispose()
    {
        _bias?.Dispose();
        foreach (LogitWorker? worker in _workers)
        {
            worker?.Dispose();
        }
    }

    /// <summary>Computes queries of one head from the first on, as long as they fit.</summary>
    /// <returns>The first query that was not computed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Attend(HeadOperands* head, int worker, int keyHead, int firstQuery, int endQuery)
    {
        if (head->KeyLength < MinKeys)
        {
            return firstQuery;
        }

        LogitWorker scratch = _workers[worker] ??= new LogitWorker(_plan, _specification, _relative?.TableWords ?? 0);
        if (!PrepareHead(scratch, head, keyHead, firstQuery, endQuery))
        {
            return firstQuery;
        }

        int rows = _plan.Tile.Rows;
        TileSlot* current = scratch.Tiles.First;
        TileSlot* next = scratch.Tiles.Second;
        if (!PrepareTile(scratch, next, head, firstQuery, endQuery))
        {
            return firstQuery;
        }

        int blocks = KeyCodes.Blocks(head->KeyLength);
        Pass(scratch, head, null, next, blocks);
        int query = firstQuery;
        bool hasNext = true;
        while (hasNext)
        {
            TileSlot* finished = current;
            current = next;
            next = finished;
            FindMaxima(scratch, current);
            hasNext = query + rows < endQuery && PrepareTile(scratch, next, head, query + rows, endQuery);
            Pass(scratch, head, current, hasNext ? next : null, blocks);
            Write(current, head);
            query += rows;
        }

        return Math.Min(query, endQuery);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pass(LogitWorker scratch, HeadOperands* head, TileSlot* current, TileSlot* next, int blocks)
    {
        int chunkBlocks = _plan.ChunkKeys / KeyCodes.BlockKeys;
        for (int firstBlock = 0; firstBlock < blocks; firstBlock += chunkBlocks)
        {
            _kernels.Run(scratch.Tiles, head, current, next, Math.Min(firstBlock + chunkBlocks, blocks));
        }
    }

    // Bounds of the item's logits and, where they are shared by its rows, fixed-point weights and biases.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool PrepareHead(LogitWorker scratch, HeadOperands* head, int keyHead, int firstQuery, int endQuery)
    {
        AttentionShape shape = _specification.Shape;
        float scale = _specification.ScaleOf(head->Head % shape.HeadCount);
        float* weights = _keyValue.Weights(0, keyHead);
        scratch.LargestKeyWeight = _hasKeyWeights ? FixedPoint.LargestFinite(weights, head->KeyLength) : Math.Abs((double)weights[0]);
        double keyFactor = _hasKeyWeights ? scratch.LargestKeyWeight : weights[0];
        double largestRow = 0;
        for (int query = firstQuery; query < endQuery; query++)
        {
            double factor = (double)_queries.Weight(0, head->Head, query) * scale * keyFactor * Log2E;
            scratch.RowFactors[query - firstQuery] = factor;
            largestRow = Math.Max(largestRow, Math.Abs(factor));
        }

        head->FirstQuery = firstQuery;
        scratch.LargestRow = largestRow;
        if (_hasKeyWeights)
        {
            // Weights so small that what makes them whole numbers is no float.
            float wholes = scratch.LargestKeyWeight > 0 ? (float)(short.MaxValue / scratch.LargestKeyWeight) : 0;
            if (!float.IsFinite(wholes))
            {
                return false;
            }

            head->KeyWeights = scratch.KeyWeights;
            FixedPoint.Convert(weights, head->KeyLength, wholes, scratch.KeyWeights);
        }

        if (_relative is not null)
        {
            return PrepareRelative(scratch, head->Head % shape.HeadCount);
        }

        if (_bias is not null && !_hasKeyBias)
        {
            return double.IsFinite(largestRow);
        }

        double largestBias = 0;
        float* bias = null;
        if (_bias is not null)
        {
            bias = _bias.Row(head->Head / shape.HeadCount, head->Head % shape.HeadCount, firstQuery, 0, head->KeyLength, scratch.BiasRow);
            largestBias = FixedPoint.LargestFinite(bias, head->KeyLength) * Log2E;
        }

        scratch.SetBounds(FractionBits(largestRow, largestBias), largestRow * shape.HeadDimension, largestBias);
        if (bias is not null && scratch.FractionBits > 0)
        {
            head->KeyBias = scratch.KeyBias;
            FixedPoint.Convert(bias, head->KeyLength, (float)(Log2E * (1 << scratch.FractionBits)), scratch.KeyBias);
        }

        return scratch.FractionBits > 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool PrepareRelative(LogitWorker scratch, int itemHead)
    {
        double largestBias = _relative!.LargestFinite(itemHead) * Log2E;
        int bits = FractionBits(scratch.LargestRow, largestBias);
        scratch.SetBounds(bits, scratch.LargestRow * _specification.Shape.HeadDimension, largestBias);
        if (bits == 0)
        {
            return false;
        }

        if (scratch.RelativeHead != itemHead || scratch.RelativeBits != bits)
        {
            scratch.RelativeHead = itemHead;
            scratch.RelativeBits = bits;
            _relative.Convert(itemHead, (float)(Log2E * (1 << bits)), scratch.RelativeTable);
        }

        return true;
    }

    // 256 * slope / 32768 units a step of the byte, which is two channels or one.
    private double StepScale => _isDoubled ? 128 : 256;

    private int FractionBits(double largestRow, double largestBias) =>
        double.IsFinite(largestRow) ? FixedPoint.FractionBits(largestRow * _specification.Shape.HeadDimension, largestRow * StepScale, largestBias) : 0;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool PrepareTile(LogitWorker scratch, TileSlot* slot, HeadOperands* head, int firstQuery, int endQuery)
    {
        int rows = _plan.Tile.Rows;
        head->Slopes = scratch.NoSlopes;
        TileQueries.SetCodes(slot, head, slot->Frame + _frame.QueryCodes, _frame.Planes * TileFrame.CodeBytes, rows, firstQuery, endQuery);
        if (_allowed.AllowsAll)
        {
            TileSelection.SetLeading(slot, head->KeyLength);
        }
        else
        {
            TileSelection.Select(slot, _allowed, head->Head, rows);
        }

        if (_relative is not null)
        {
            _relative.Fill(scratch.RelativeTable, slot->FirstQuery, slot->Queries, rows, scratch.RelativeRow, slot->Bias);
        }
        else if (slot->Bias is not null && !ConvertBias(scratch, slot, head))
        {
            return false;
        }

        int bits = scratch.FractionBits;
        slot->FractionBits = bits;
        slot->MaskedBelow = scratch.MaskedBelow;
        SetTables(slot, bits);
        double units = -(1 << bits) * StepScale;
        for (int row = 0; row < rows; row++)
        {
            int query = Math.Min(firstQuery + row, endQuery - 1);
            Vector512.Create((short)Math.Round(scratch.RowFactors[query - head->FirstQuery] * units)).Store((short*)(slot->Frame + _frame.Slopes + (row * Line)));
            Vector512.Create(short.MinValue).Store((short*)(slot->Frame + _frame.Maxima + (row * Line)));
            Vector512<ulong>.Zero.Store((ulong*)(slot->Frame + _frame.RowSums + (row * Line)));
        }

        TileTables.ClearLongSums(scratch.Tiles, slot);
        slot->SummedKeys = 0;
        slot->MapsByKernel = true;
        return true;
    }

    // Rows of a bias per pair, in the finest units that fit them: first in the units of the tile before, which usually are the same, and again if not.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool ConvertBias(LogitWorker scratch, TileSlot* slot, HeadOperands* head)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head->Head / shape.HeadCount;
        int itemHead = head->Head % shape.HeadCount;
        int rows = _plan.Tile.Rows;
        int keys = Math.Min(slot->Blocks * KeyCodes.BlockKeys, head->KeyLength);
        if (scratch.FractionBits == 0)
        {
            scratch.SetBounds(FixedPoint.MaxFractionBits, 0, 0);
        }

        if (_isDense)
        {
            // Rows lie one after the other.
            int ahead = Math.Min(slot->FirstQuery + rows, shape.QueryLength - 1);
            slot->Prefetch = _bias!.Row(batch, itemHead, ahead, 0, shape.KeyLength, scratch.BiasRow);
            slot->PrefetchStride = ahead + rows <= shape.QueryLength ? shape.KeyLength : 0;
        }

        while (true)
        {
            float scale = (float)(Log2E * (1 << scratch.FractionBits));
            float largest = 0;
            for (int row = 0; row < slot->Queries && keys > 0; row++)
            {
                float* bias = _bias!.Row(batch, itemHead, slot->FirstQuery + row, 0, keys, scratch.BiasRow);
                largest = Math.Max(largest, FixedPoint.ConvertRow(bias, keys, scale, slot->Bias + (row * KeyCodes.BlockKeys), rows * KeyCodes.BlockKeys));
            }

            double largestBias = largest * Log2E;
            int used = scratch.FractionBits;
            int bits = FractionBits(scratch.LargestRow, largestBias);
            scratch.SetBounds(bits, scratch.LargestRow * shape.HeadDimension, largestBias);
            if (bits == 0 || bits == used)
            {
                return bits != 0;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SetTables(TileSlot* slot, int bits)
    {
        short* centre = (short*)(slot->Frame + _frame.Centre);
        if (*(int*)slot->TableSlopes == bits)
        {
            return;
        }

        *(int*)slot->TableSlopes = bits;
        int dimension = _specification.Shape.HeadDimension;
        new Span<byte>(centre, Line).Fill((byte)(_isDoubled ? dimension : dimension / 2));
        new Span<ushort>(slot->Frame + _frame.HighBytes, LineWords).Fill(0xFF00);
        new Span<ushort>(slot->Frame + _frame.Half, LineWords).Fill(128);
        new Span<short>(slot->Frame + _frame.Lowest, LineWords).Fill(short.MinValue);
        ushort* coarse = (ushort*)(slot->Frame + _frame.Coarse);
        ushort* fine = (ushort*)(slot->Frame + _frame.Fine);
        int fineEntries = (1 << bits) / LineWords;
        for (int i = 0; i < LineWords; i++)
        {
            coarse[i] = (ushort)Math.Round(One * 65536.0 / WordScale * Math.Pow(2, -i / 32.0));
            fine[i] = (ushort)Math.Round(WordScale * Math.Pow(2, -(i % fineEntries) / (double)(1 << bits)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindMaxima(LogitWorker scratch, TileSlot* slot)
    {
        slot->Run = 0;
        slot->RunDone = 0;
        for (int row = 0; row < _plan.Tile.Rows; row++)
        {
            short* lanes = (short*)(slot->Frame + _frame.Maxima + (row * Line));
            Vector512<short> all = Vector512.Load(lanes);
            Vector256<short> half = Vector256.Max(all.GetLower(), all.GetUpper());
            Vector128<short> quarter = Vector128.Max(half.GetLower(), half.GetUpper());

            // The minimum of unsigned 16-bit lanes in one instruction; 32767 - x turns the order round.
            ushort smallest = System.Runtime.Intrinsics.X86.Sse41.MinHorizontal((Vector128.Create(short.MaxValue) - quarter).AsUInt16()).ToScalar();
            int maximum = short.MaxValue - smallest;
            slot->Minima[row] = maximum;
            Vector512.Create((short)maximum).Store(lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(TileSlot* slot, HeadOperands* head)
    {
        long lanes = (long)slot->Blocks * KeyCodes.BlockKeys;
        for (int row = 0; row < slot->Queries; row++)
        {
            RowResult result = RowResult.Masked;
            if (slot->Blocks > 0 && slot->Minima[row] >= slot->MaskedBelow)
            {
                ulong packed = Vector512.Sum(Vector512.Load((ulong*)(slot->Frame + _frame.RowSums + (row * Line))));

                // 128 was added to every exponential; each lost about half a unit to truncation.
                double sum = ((packed >> 32) * 256.0) + (uint)packed - (128.0 * lanes);
                result = new RowResult((float)(256.0 / sum), 0, 1);
            }

            TileOutput.WriteRow(slot, head, _plan.Tile, row, result);
        }
    }
}
