// Table mode, a whole work item in one call of generated code: where every row sees the same keys, values have one panel and nothing but the output is asked for. Everything else goes tile by
// tile through TablePipeline, with the same bits.
using System.Runtime.CompilerServices;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class ItemPipeline : IDisposable
{
    private const int VectorChannels = 16;
    private const int GranuleKeys = 16;

    private readonly TilePlan _plan;
    private readonly bool _hasRowTables;
    private readonly ItemScratch?[] _scratches;
    private readonly MachineCode?[] _kernels = new MachineCode?[(KeyCodes.BlockKeys / GranuleKeys) + 1];

    public ItemPipeline(AttentionSpecification specification, in TilePlan plan, int workers)
    {
        _plan = plan;
        _hasRowTables = specification.Weighting.Rows is SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned;
        _scratches = new ItemScratch?[workers];
    }

    /// <summary>Whether a specification's work items can be one call each.</summary>
    public static bool Takes(AttentionSpecification specification, in TilePlan plan) =>
        specification is { UsesNumeratorTables: true, Quantization: ValueQuantization.Tiled, Mask: { IsCausal: false, HasGaps: false } }
        && plan is { GroupTiles: 1, Panels: 1 }
        && specification.Shape.HeadDimension <= AssembledLimits.NarrowDistances
        && specification.Shape.KeyLength <= AssembledLimits.SumKeys;

    public void Dispose()
    {
        foreach (ItemScratch? scratch in _scratches)
        {
            scratch?.Dispose();
        }
    }

    /// <summary>Computes some queries of one head, or gives false and does nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Attend(AssembledScratch tiles, HeadOperands* head, int worker, int firstQuery, int endQuery)
    {
        ItemScratch scratch = _scratches[worker] ??= new ItemScratch(_plan, _hasRowTables);
        int queries = endQuery - firstQuery;
        if (head->LogSumExp is not null || head->KeyLength == 0 || head->OutputStride < 0 || !SetTables(tiles, scratch, head, queries))
        {
            return false;
        }

        int rows = _plan.Tile.Rows;
        SetQueryCodes(scratch.QueryCodes, _plan.Frame.QueryCodeBytes, head, firstQuery, endQuery);
        int tileCount = (queries + rows - 1) / rows;
        int last = endQuery - 1;
        byte* codes = scratch.QueryCodes;
        int codeBytes = _plan.Frame.QueryCodeBytes;
        for (int padding = queries; padding < (tileCount + 1) * rows; padding++)
        {
            Buffer.MemoryCopy(codes + ((queries - 1) * codeBytes), codes + (padding * codeBytes), codeBytes, codeBytes);
        }

        int blocks = KeyCodes.Blocks(head->KeyLength);
        int lastKeys = head->KeyLength - ((blocks - 1) * KeyCodes.BlockKeys);
        int lastChannels = head->ValueDimension - ((_plan.Tile.Vectors - 1) * VectorChannels);
        ItemArguments arguments;
        arguments.FullBlocks = blocks - 1;
        arguments.Tiles = tileCount;
        arguments.Frame = tiles.First->Frame;
        arguments.QueryCodes = codes;
        arguments.Tables = scratch.Tables;
        arguments.TableStep = double.IsNaN(scratch.SharedSlope) ? (long)rows * TileFrame.TableBytes : 0;
        arguments.Distances = tiles.First->Distances;
        arguments.Probabilities = tiles.Second->Distances;
        arguments.Codes = head->Codes;
        arguments.TailMask = tiles.Tail(lastKeys);
        arguments.Values = head->Levels;
        arguments.Scales = head->Scales;
        arguments.Means = head->Means;
        arguments.Output = head->Output + (firstQuery * head->OutputStride);
        arguments.LastOutput = head->Output + (last * head->OutputStride);
        arguments.OutputStride = head->OutputStride * sizeof(float);
        arguments.SumBias = (ulong)(TileTables.ResidualBias * (long)blocks * KeyCodes.BlockKeys) << 32;
        arguments.ResidualUnit = 1f / 254f;
        arguments.One = 1f;
        arguments.NarrowDistances = AssembledLimits.NarrowDistances;
        arguments.LastChannels = (1L << lastChannels) - 1;
        Kernel((lastKeys + GranuleKeys - 1) / GranuleKeys).Run(&arguments);
        return true;
    }

    // Threads may fill the same place at the same time, with the same kernel.
    private MachineCode Kernel(int tailGranules) =>
        _kernels[tailGranules] ??= KernelCache.Get(new KernelSpecification(_plan.Tile, _plan.Frame.Planes, KernelStages.WholeItem, WideDistances: false, TailGranules: tailGranules));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SetQueryCodes(byte* codes, int codeBytes, HeadOperands* head, int firstQuery, int endQuery)
    {
        double* slopes = head->Slopes - head->FirstQuery;
        for (int query = firstQuery; query < endQuery; query++)
        {
            TileQueries.SetCode(codes, head, query, slopes[query] < 0);
            codes += codeBytes;
        }
    }

    // Tables of all rows: one tile's, if all slopes are the same, or every row's own. Gives false if entry 127 of a table is not 0.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool SetTables(AssembledScratch tiles, ItemScratch scratch, HeadOperands* head, int queries)
    {
        int rows = _plan.Tile.Rows;
        int entries = head->HeadDimension + 1;
        if (!_hasRowTables)
        {
            double slope = Math.Abs(head->Slopes[0]);
            if (slope == scratch.SharedSlope)
            {
                return true;
            }

            tiles.SetTables(slope, entries);
            scratch.SharedSlope = double.NaN;
            if (tiles.LastEntry >= TileFrame.LastEntry)
            {
                return false;
            }

            for (int row = 0; row < rows; row++)
            {
                TileTables.CopyTables(tiles, scratch.Tables + (row * TileFrame.TableBytes));
            }

            scratch.SharedSlope = slope;
            return true;
        }

        // Rows beyond the last query repeat it.
        int padded = (queries + rows - 1) / rows * rows;
        for (int row = 0; row < padded; row++)
        {
            tiles.SetTables(Math.Abs(head->Slopes[Math.Min(row, queries - 1)]), entries);
            if (tiles.LastEntry >= TileFrame.LastEntry)
            {
                return false;
            }

            TileTables.CopyTables(tiles, scratch.Tables + (row * TileFrame.TableBytes));
        }

        return true;
    }
}
