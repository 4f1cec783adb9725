// The launches of one call, in order: pack queries, pack keys, reduce both, measure and pack values, numerator tables (or log mode's weights), attention. Each reads what earlier ones left in the workspace, so
// they must run on one stream; none allocates or waits for the host.
namespace BinaryAttention.Cuda.Kernels;

internal sealed class AttentionProgram
{
    private readonly CudaSpecification _specification;
    private readonly TileLayout _layout;
    private readonly WorkspaceLayout _workspace;

    private AttentionProgram(CudaSpecification specification)
    {
        _specification = specification;
        _layout = specification.Layout;
        _workspace = new WorkspaceLayout(specification, _layout);
        AttentionShape shape = specification.Shape;
        Steps =
        [
            PackSigns(areKeys: false),
            PackSigns(areKeys: true),
            Reduce(areKeys: false),
            Reduce(areKeys: true),
            MeasureValues(),
            PackValues(),
            .. specification.IsLogMode ? [LogWeights(areKeys: false), LogWeights(areKeys: true)] : new[] { Tables() },
            .. specification.Bias == CudaBiasKind.RelativePosition ? new[] { RelativeTables() } : [],
            .. specification.HasTileList ? new[] { TileLists() } : [],
            Attend(),
        ];
    }

    /// <summary>Bytes that the caller provides, aligned to 256.</summary>
    public long WorkspaceBytes => _workspace.Bytes;

    /// <summary>The launches, in stream order.</summary>
    public IReadOnlyList<AttentionStep> Steps { get; }

    /// <summary>Emits a call's kernels.</summary>
    /// <param name="specification">The call.</param>
    /// <param name="computeCapability">80 for sm_80.</param>
    /// <exception cref="NotSupportedException">No kernel takes the call on such a device; the message says why.</exception>
    public static AttentionProgram For(CudaSpecification specification, int computeCapability) =>
        specification.WhyNot(computeCapability) is { } reason ? throw new NotSupportedException(reason) : new AttentionProgram(specification with { Form = SignProductForms.Of(computeCapability) });

    private AttentionStep PackSigns(bool areKeys)
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        int heads = areKeys ? shape.KeyHeadCount : shape.HeadCount;
        int tokens = areKeys ? shape.KeyLength : shape.QueryLength;
        long padded = areKeys ? _workspace.PaddedKeys : tokens;
        OperandStrides strides = areKeys ? call.KeyStrides : call.QueryStrides;
        ulong words = areKeys ? _workspace.KeyWords : _workspace.QueryWords;
        ulong sums = areKeys ? _workspace.KeySums : _workspace.QuerySums;
        bool isReversed = !areKeys && !call.IsLogMode && call.LogitScale < 0;
        bool isComplemented = isReversed != (!areKeys && call.Form == SignProductForm.XorPopcount);
        bool hasSignedWeights = !areKeys && call.HasSignedTables;
        PtxModule module = PackSignsKernel.Emit(call.InputType, _layout, areKeys, isComplemented, hasSignedWeights, call.SignOfZero);
        return new AttentionStep(module, PackSignsKernel.Grid(padded, heads, shape.BatchSize), pointers =>
        [
            .. TokenSource.Arguments(areKeys ? pointers.Key : pointers.Query, strides),
            KernelArgument.U32((uint)tokens),
            KernelArgument.U32((uint)padded),
            KernelArgument.U32((uint)heads),
            KernelArgument.U64(pointers.Workspace + words),
            KernelArgument.U64(pointers.Workspace + sums),
            .. Optional(hasSignedWeights, KernelArgument.U64(pointers.RowWeights)),
        ])
        { Name = areKeys ? "pack keys" : "pack queries" };
    }

    private AttentionStep Reduce(bool areKeys)
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        int tokens = areKeys ? shape.KeyLength : shape.QueryLength;
        int heads = areKeys ? shape.KeyHeadCount : shape.HeadCount;
        SignWeightingMode mode = areKeys ? call.Columns : call.Rows;
        bool hasLengths = areKeys ? call.HasKeyLengths : call.HasQueryLengths;
        ulong sums = areKeys ? _workspace.KeySums : _workspace.QuerySums;
        ulong weights = areKeys ? _workspace.KeyWeights : _workspace.QueryWeights;
        ulong flags = areKeys ? _workspace.KeyFlags : _workspace.QueryFlags;
        PtxModule module = ReduceSignsKernel.Emit(shape.HeadDimension, mode == SignWeightingMode.MeanMagnitudePerHead, hasLengths);
        return new AttentionStep(module, new LaunchShape((uint)heads, (uint)shape.BatchSize, 1), pointers =>
        [
            KernelArgument.U64(pointers.Workspace + sums),
            .. KeyCount.Arguments(tokens, hasLengths, areKeys ? pointers.KeyLengths : pointers.QueryLengths),
            KernelArgument.U32((uint)heads),
            KernelArgument.U64(pointers.Workspace + weights),
            KernelArgument.U64(pointers.Workspace + flags),
        ])
        { Name = areKeys ? "reduce keys" : "reduce queries" };
    }

    private AttentionStep MeasureValues()
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        PtxModule module = MeasureValuesKernel.Emit(call.InputType, shape.ValueDimension, call.HasKeyLengths);
        return new AttentionStep(module, new LaunchShape((uint)(_layout.PaddedChannels / 32), (uint)shape.KeyHeadCount, (uint)shape.BatchSize), pointers =>
        [
            .. TokenSource.Arguments(pointers.Value, call.ValueStrides),
            .. KeyCount.Arguments(shape.KeyLength, call.HasKeyLengths, pointers.KeyLengths),
            KernelArgument.U32((uint)shape.KeyHeadCount),
            KernelArgument.U64(pointers.Workspace + _workspace.Scales),
            KernelArgument.U64(pointers.Workspace + _workspace.Means),
            KernelArgument.U64(pointers.Workspace + _workspace.Multipliers),
        ])
        { Name = "measure values" };
    }

    private AttentionStep PackValues()
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        PtxModule module = PackValuesKernel.Emit(call.InputType, shape.ValueDimension, call.HasKeyLengths);
        return new AttentionStep(module, new LaunchShape((uint)_workspace.ValueTiles, (uint)shape.KeyHeadCount, (uint)shape.BatchSize), pointers =>
        [
            .. TokenSource.Arguments(pointers.Value, call.ValueStrides),
            .. KeyCount.Arguments(shape.KeyLength, call.HasKeyLengths, pointers.KeyLengths),
            KernelArgument.U32((uint)shape.KeyHeadCount),
            KernelArgument.U32((uint)_workspace.ValueTiles),
            KernelArgument.U64(pointers.Workspace + _workspace.Means),
            KernelArgument.U64(pointers.Workspace + _workspace.Multipliers),
            KernelArgument.U64(pointers.Workspace + _workspace.Levels),
        ])
        { Name = "pack values" };
    }

    private AttentionStep Tables()
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        ulong rowWeights = call.HasRowTables ? _workspace.QuerySums : _workspace.QueryWeights;
        PtxModule module = NumeratorTableKernel.Emit(shape.HeadDimension, call.Rows);
        return new AttentionStep(module, NumeratorTableKernel.Grid(_workspace.Tables), pointers =>
        [
            KernelArgument.U32(checked((uint)_workspace.Tables)),
            .. Optional(call.HasRowTables, KernelArgument.U32((uint)shape.QueryLength)),
            KernelArgument.U32((uint)shape.HeadCount),
            KernelArgument.U32((uint)shape.KeyHeadCount),
            KernelArgument.F32(call.LogitScale),
            KernelArgument.U64(call.HasSignedTables ? pointers.RowWeights : pointers.Workspace + rowWeights),
            KernelArgument.U64(pointers.Workspace + _workspace.KeyWeights),
            KernelArgument.U64(pointers.Workspace + _workspace.TableEntries),
            KernelArgument.U64(pointers.Workspace + _workspace.Slopes),
        ])
        { Name = "numerator tables" };
    }

    private AttentionStep LogWeights(bool areKeys)
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        SignWeightingMode mode = areKeys ? call.Columns : call.Rows;
        bool hasGrid = areKeys && call.Bias == CudaBiasKind.RelativePosition;
        ulong perToken = areKeys ? _workspace.KeySums : _workspace.QuerySums;
        ulong perHead = areKeys ? _workspace.KeyWeights : _workspace.QueryWeights;
        int tokens = areKeys ? shape.KeyLength : shape.QueryLength;
        long padded = areKeys ? _workspace.PaddedKeys : tokens;
        int heads = areKeys ? shape.KeyHeadCount : shape.HeadCount;
        PtxModule module = LogWeightsKernel.Emit(shape.HeadDimension, mode, hasGrid, hasGrid && call.Grid.HasClassToken);
        return new AttentionStep(module, LogWeightsKernel.Grid(padded, heads, shape.BatchSize), pointers =>
        [
            KernelArgument.U64(mode switch
            {
                SignWeightingMode.Learned => areKeys ? pointers.ColumnWeights : pointers.RowWeights,
                SignWeightingMode.MeanMagnitudePerToken => pointers.Workspace + perToken,
                _ => pointers.Workspace + perHead,
            }),
            KernelArgument.U32((uint)tokens),
            KernelArgument.U32((uint)padded),
            KernelArgument.U32((uint)heads),
            KernelArgument.F32(areKeys ? 1f : call.LogitScale),
            KernelArgument.U64(pointers.Workspace + (areKeys ? _workspace.KeyTerms : _workspace.RowFactors)),
            .. Optional(hasGrid, KernelArgument.U32((uint)call.Grid.Width)),
        ])
        { Name = areKeys ? "key weights" : "row factors" };
    }

    private AttentionStep RelativeTables()
    {
        RelativeGrid grid = _specification.Grid;
        return new AttentionStep(RelativeTableKernel.Emit(), RelativeTableKernel.Grid(grid.Entries, grid.Heads), pointers =>
        [
            KernelArgument.U64(pointers.Bias),
            KernelArgument.U32((uint)grid.Entries),
            KernelArgument.U32((uint)grid.Heads),
            KernelArgument.U64(pointers.Workspace + _workspace.RelativeTables),
        ])
        { Name = "relative tables" };
    }

    private AttentionStep TileLists()
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        PtxModule module = TileListKernel.Emit(call.IsCausal, call.HasQueryLengths, call.HasKeyLengths, call.HasPairs, call.HasBlocks);
        return new AttentionStep(module, new LaunchShape((uint)_workspace.QueryBlocks, (uint)shape.HeadCount, (uint)shape.BatchSize), pointers =>
        [
            .. KeyCount.Arguments(shape.QueryLength, call.HasQueryLengths, pointers.QueryLengths),
            .. KeyCount.Arguments(shape.KeyLength, call.HasKeyLengths, pointers.KeyLengths),
            KernelArgument.U32((uint)shape.HeadCount),
            KernelArgument.U32((uint)_workspace.QueryBlocks),
            KernelArgument.U32((uint)_workspace.ValueTiles),
            KernelArgument.U64(pointers.Workspace + _workspace.TileLists),
            KernelArgument.U64(pointers.Workspace + _workspace.TileCounts),
            .. Optional(call.HasPairs, KernelArgument.U64(pointers.Pairs)),
            .. Optional(call.HasPairs, KernelArgument.U64(PairsOfHead)),
            .. Optional(call.HasBlocks, KernelArgument.U64(pointers.Blocks)),
            .. Optional(call.HasBlocks, KernelArgument.U64(call.HasBlocksPerHead ? (ulong)(_workspace.QueryBlocks * _workspace.ValueTiles) : 0)),
        ])
        { Name = "tile lists" };
    }

    // Words from a head's pairs to the next head's.
    private ulong PairsOfHead => _specification.HasPairsPerHead ? (ulong)(_specification.Shape.QueryLength * _workspace.ValueTiles) : 0;

    private AttentionStep Attend()
    {
        CudaSpecification call = _specification;
        AttentionShape shape = call.Shape;
        AttentionVariant variant = call.Variant;
        PtxModule module = AttentionKernel.Emit(variant);
        return new AttentionStep(module, new LaunchShape((uint)_workspace.BlocksPerHead, (uint)shape.HeadCount, (uint)shape.BatchSize), pointers =>
        [
            KernelArgument.U64(pointers.Workspace + _workspace.QueryWords),
            KernelArgument.U64(pointers.Workspace + _workspace.KeyWords),
            KernelArgument.U64(pointers.Workspace + _workspace.Levels),
            KernelArgument.U64(pointers.Workspace + _workspace.Scales),
            KernelArgument.U64(pointers.Workspace + _workspace.Means),
            KernelArgument.U64(pointers.Workspace + (call.IsLogMode ? _workspace.RowFactors : _workspace.TableEntries)),
            KernelArgument.U64(pointers.Workspace + _workspace.QueryFlags),
            KernelArgument.U64(pointers.Workspace + _workspace.KeyFlags),
            .. Optional(variant.HasKeyTerms, KernelArgument.U64(pointers.Workspace + _workspace.KeyTerms)),
            .. Optional(call.WantsLogSumExp && !call.IsLogMode, KernelArgument.U64(pointers.Workspace + _workspace.Slopes)),
            .. Optional(call.WantsLogSumExp, KernelArgument.U64(pointers.LogSumExp)),
            .. KeyCount.Arguments(shape.QueryLength, call.HasQueryLengths, pointers.QueryLengths),
            KernelArgument.U32((uint)shape.HeadCount),
            KernelArgument.U32((uint)call.HeadsPerKeyHead),
            KernelArgument.U64((ulong)(_workspace.PaddedKeys * _layout.TokenBytes)),
            KernelArgument.U64((ulong)(_workspace.ValueTiles * _layout.ValueTileBytes)),
            .. KeyCount.Arguments(shape.KeyLength, call.HasKeyLengths, pointers.KeyLengths),
            .. TokenSource.Arguments(pointers.Destination, call.DestinationStrides),
            .. variant.Bias is CudaBiasKind.PerKey or CudaBiasKind.Dense ? TokenSource.Arguments(pointers.Bias, call.FilledBiasStrides) : [],
            .. variant.Bias == CudaBiasKind.RelativePosition
                ? new[]
                {
                    KernelArgument.U64(pointers.Workspace + _workspace.RelativeTables),
                    KernelArgument.U32(call.Grid.Heads == 1 ? 0 : (uint)call.Grid.Entries),
                    KernelArgument.U32((uint)call.Grid.Height),
                    KernelArgument.U32((uint)call.Grid.Width),
                }
                : [],
            .. Optional(variant.HasKeyTerms, KernelArgument.U64((ulong)(_workspace.PaddedKeys * variant.KeyTermBytes))),
            .. Optional(variant.ChunkTiles != 0, KernelArgument.U64(pointers.Workspace + _workspace.Sums)),
            .. Optional(variant.ChunkTiles != 0, KernelArgument.U32((uint)_workspace.BlocksPerHead)),
            .. variant.HasTileList
                ? new[]
                {
                    KernelArgument.U64(pointers.Workspace + _workspace.TileLists),
                    KernelArgument.U64(pointers.Workspace + _workspace.TileCounts),
                    KernelArgument.U32((uint)_workspace.QueryBlocks),
                    KernelArgument.U32((uint)_workspace.ValueTiles),
                }
                : [],
            .. Optional(variant.HasPairs, KernelArgument.U64(pointers.Pairs)),
            .. Optional(variant.HasPairs, KernelArgument.U64(PairsOfHead)),
            .. Optional(variant.HasPairs, KernelArgument.U32((uint)_workspace.ValueTiles)),
        ])
        { Name = "attention" };
    }

    private static KernelArgument[] Optional(bool isPresent, KernelArgument argument) => isPresent ? [argument] : [];
}
