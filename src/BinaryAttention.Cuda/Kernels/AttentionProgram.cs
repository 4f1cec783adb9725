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
        _layout = new TileLayout(specification.Shape.HeadDimension, specification.Shape.ValueDimension);
        _workspace = new WorkspaceLayout(specification, _layout);
        AttentionShape shape = specification.Shape;
        Steps =
        [
            PackSigns(areKeys: false),
            PackSigns(areKeys: true),
            Reduce(shape.QueryLength, shape.HeadCount, specification.Rows, hasLengths: false, _workspace.QuerySums, _workspace.QueryWeights, _workspace.QueryFlags) with { Name = "reduce queries" },
            Reduce(shape.KeyLength, shape.KeyHeadCount, specification.Columns, specification.HasKeyLengths, _workspace.KeySums, _workspace.KeyWeights, _workspace.KeyFlags) with { Name = "reduce keys" },
            MeasureValues(),
            PackValues(),
            .. specification.IsLogMode ? [LogWeights(areKeys: false), LogWeights(areKeys: true)] : new[] { Tables() },
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
        specification.WhyNot(computeCapability) is { } reason ? throw new NotSupportedException(reason) : new AttentionProgram(specification);

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
        bool isComplemented = !areKeys && !call.IsLogMode && call.LogitScale < 0;
        PtxModule module = PackSignsKernel.Emit(call.InputType, shape.HeadDimension, areKeys, isComplemented, call.SignOfZero);
        return new AttentionStep(module, PackSignsKernel.Grid(padded, heads, shape.BatchSize), pointers =>
        [
            .. TokenSource.Arguments(areKeys ? pointers.Key : pointers.Query, strides),
            KernelArgument.U32((uint)tokens),
            KernelArgument.U32((uint)padded),
            KernelArgument.U32((uint)heads),
            KernelArgument.U64(pointers.Workspace + words),
            KernelArgument.U64(pointers.Workspace + sums),
        ])
        { Name = areKeys ? "pack keys" : "pack queries" };
    }

    private AttentionStep Reduce(int tokens, int heads, SignWeightingMode mode, bool hasLengths, ulong sums, ulong weights, ulong flags)
    {
        AttentionShape shape = _specification.Shape;
        PtxModule module = ReduceSignsKernel.Emit(shape.HeadDimension, mode == SignWeightingMode.MeanMagnitudePerHead, hasLengths);
        return new AttentionStep(module, new LaunchShape((uint)heads, (uint)shape.BatchSize, 1), pointers =>
        [
            KernelArgument.U64(pointers.Workspace + sums),
            .. KeyCount.Arguments(tokens, hasLengths, pointers.KeyLengths),
            KernelArgument.U32((uint)heads),
            KernelArgument.U64(pointers.Workspace + weights),
            KernelArgument.U64(pointers.Workspace + flags),
        ]);
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
        PtxModule module = NumeratorTableKernel.Emit(shape.HeadDimension, call.HasRowTables);
        return new AttentionStep(module, NumeratorTableKernel.Grid(_workspace.Tables), pointers =>
        [
            KernelArgument.U32(checked((uint)_workspace.Tables)),
            .. Optional(call.HasRowTables, KernelArgument.U32((uint)shape.QueryLength)),
            KernelArgument.U32((uint)shape.HeadCount),
            KernelArgument.U32((uint)shape.KeyHeadCount),
            KernelArgument.F32(call.LogitScale),
            KernelArgument.U64(pointers.Workspace + rowWeights),
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
        bool isPerToken = (areKeys ? call.Columns : call.Rows) == SignWeightingMode.MeanMagnitudePerToken;
        ulong perToken = areKeys ? _workspace.KeySums : _workspace.QuerySums;
        ulong perHead = areKeys ? _workspace.KeyWeights : _workspace.QueryWeights;
        int tokens = areKeys ? shape.KeyLength : shape.QueryLength;
        long padded = areKeys ? _workspace.PaddedKeys : tokens;
        long heads = (long)shape.BatchSize * (areKeys ? shape.KeyHeadCount : shape.HeadCount);
        PtxModule module = LogWeightsKernel.Emit(shape.HeadDimension, isPerToken);
        return new AttentionStep(module, LogWeightsKernel.Grid(padded, heads), pointers =>
        [
            KernelArgument.U64(pointers.Workspace + (isPerToken ? perToken : perHead)),
            KernelArgument.U32((uint)tokens),
            KernelArgument.U32((uint)padded),
            KernelArgument.F32(areKeys ? 1f : call.LogitScale),
            KernelArgument.U64(pointers.Workspace + (areKeys ? _workspace.KeyTerms : _workspace.RowFactors)),
        ])
        { Name = areKeys ? "key weights" : "row factors" };
    }

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
            KernelArgument.U32((uint)shape.QueryLength),
            KernelArgument.U32((uint)shape.HeadCount),
            KernelArgument.U32((uint)call.HeadsPerKeyHead),
            KernelArgument.U64((ulong)(_workspace.PaddedKeys * _layout.TokenBytes)),
            KernelArgument.U64((ulong)(_workspace.ValueTiles * _layout.ValueTileBytes)),
            .. KeyCount.Arguments(shape.KeyLength, call.HasKeyLengths, pointers.KeyLengths),
            .. TokenSource.Arguments(pointers.Destination, call.DestinationStrides),
            .. variant.HasBias ? TokenSource.Arguments(pointers.Bias, call.FilledBiasStrides) : [],
            .. Optional(variant.HasKeyTerms, KernelArgument.U64((ulong)(_workspace.PaddedKeys * sizeof(float)))),
            .. Optional(variant.ChunkTiles != 0, KernelArgument.U64(pointers.Workspace + _workspace.Sums)),
            .. Optional(variant.ChunkTiles != 0, KernelArgument.U32((uint)_workspace.BlocksPerHead)),
        ])
        { Name = "attention" };
    }

    private static KernelArgument[] Optional(bool isPresent, KernelArgument argument) => isPresent ? [argument] : [];
}
