// Shape and options of a call on the device with every default filled in: what kernels are emitted from. Holds no operand memory.
namespace BinaryAttention.Cuda.Kernels;

internal sealed record CudaSpecification
{
    /// <summary>The longest head and value dimension: one tile of accumulators.</summary>
    public const int MaximumDimension = 128;

    /// <summary>255 * keys, the sum of a row's numerators, must stay below 2^31.</summary>
    public const int MaximumKeyLength = 8_000_000;

    /// <summary>Tiles of keys whose products with the values 32 bits hold: 255 * 127 * 65,536 keys.</summary>
    private const int LargestChunkTiles = 1024;

    private const int MaximumGridYZ = 65_535;

    /// <summary>Sizes; KeyHeadCount is filled in. Its token strides are ignored: the strides below count.</summary>
    public required AttentionShape Shape { get; init; }

    /// <summary>Type of queries, keys and values.</summary>
    public CudaElement InputType { get; init; }

    /// <summary>Type of the destination.</summary>
    public CudaElement OutputType { get; init; }

    public required OperandStrides QueryStrides { get; init; }

    public required OperandStrides KeyStrides { get; init; }

    public required OperandStrides ValueStrides { get; init; }

    public required OperandStrides DestinationStrides { get; init; }

    /// <summary>Multiplies every sign product; finite, may be negative.</summary>
    public required float LogitScale { get; init; }

    /// <summary>Weights of the rows.</summary>
    public SignWeightingMode Rows { get; init; }

    /// <summary>Weights of the columns.</summary>
    public SignWeightingMode Columns { get; init; }

    public SignOfZero SignOfZero { get; init; }

    public bool IsCausal { get; init; }

    public bool HasKeyLengths { get; init; }

    public bool HasQueryLengths { get; init; }

    /// <summary>A boolean mask of allowed pairs.</summary>
    public bool HasPairs { get; init; }

    /// <summary>Whether every head has pairs of its own.</summary>
    public bool HasPairsPerHead { get; init; }

    /// <summary>A mask of allowed blocks of 64 x 64 pairs.</summary>
    public bool HasBlocks { get; init; }

    /// <summary>Whether every head has blocks of its own.</summary>
    public bool HasBlocksPerHead { get; init; }

    /// <summary>How the device multiplies signs; <see cref="AttentionProgram.For"/> sets it.</summary>
    public SignProductForm Form { get; init; }

    /// <summary>The table of a relative-position bias.</summary>
    public RelativeGrid Grid { get; init; }

    public bool WantsLogSumExp { get; init; }

    public CudaBiasKind Bias { get; init; }

    /// <summary>Elements between neighbours of the float32 bias; a stride of 0 shares it. Null for a dense one: <c>[batch, heads, keyLength]</c> or <c>[batch, heads, queryLength, keyLength]</c>.</summary>
    public OperandStrides? BiasStrides { get; init; }

    /// <summary>Tiles of keys that one round of 32-bit sums takes; smaller only to test long rows with few keys.</summary>
    public int ChunkTiles { get; init; } = LargestChunkTiles;

    /// <summary>Whether every pair has a logit of its own: a bias or one weight per key. Else numerators depend on the Hamming distance alone.</summary>
    public bool IsLogMode => Bias != CudaBiasKind.None || Columns is (SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned);

    /// <summary>Query heads that read one key head.</summary>
    public int HeadsPerKeyHead => Shape.HeadCount / Shape.KeyHeadCount;

    /// <summary>Whether every query row has a weight, and so a numerator table, of its own.</summary>
    public bool HasRowTables => !IsLogMode && (Rows is SignWeightingMode.MeanMagnitudePerToken or SignWeightingMode.Learned);

    /// <summary>Whether a row's learned weight may reverse its order: table mode's tables hold magnitudes alone.</summary>
    public bool HasSignedTables => HasRowTables && Rows == SignWeightingMode.Learned;

    /// <summary>Whether blocks walk lists of tiles.</summary>
    public bool HasTileList => HasPairs || HasBlocks;

    /// <summary>Sizes and orders of the packed operands.</summary>
    public TileLayout Layout => new(Shape.HeadDimension, Shape.ValueDimension, Form);

    /// <summary>The attention kernel that serves the call.</summary>
    public AttentionVariant Variant => new()
    {
        Layout = Layout,
        OutputType = OutputType,
        HasRowTables = HasRowTables,
        IsCausal = IsCausal,
        HasKeyLengths = HasKeyLengths,
        HasQueryLengths = HasQueryLengths,
        HasTileList = HasTileList,
        HasPairs = HasPairs,
        WantsLogSumExp = WantsLogSumExp,
        IsLogMode = IsLogMode,
        Bias = Bias,
        HasClassToken = Bias == CudaBiasKind.RelativePosition && Grid.HasClassToken,
        ChunkTiles = Shape.KeyLength > (long)ChunkTiles * TileLayout.TileKeys ? ChunkTiles : 0,

        // Lists of tiles are made for 64 rows; wide signs as bytes take 16 registers a row tile and product.
        RowTiles = IsLogMode || HasRowTables || HasTileList || Layout is { Form: SignProductForm.SignedBytes, IsWide: true } || Shape.QueryLength <= AttentionVariant.Warps * 16 ? 1 : 2,
    };

    /// <summary><see cref="BiasStrides"/> with its default filled in.</summary>
    public OperandStrides FilledBiasStrides => BiasStrides ?? (Bias == CudaBiasKind.PerKey
        ? new OperandStrides((long)Shape.HeadCount * Shape.KeyLength, Shape.KeyLength, 0)
        : OperandStrides.Dense(Shape.HeadCount, Shape.QueryLength, Shape.KeyLength));

    /// <summary>Dense operands and the default scale.</summary>
    public static CudaSpecification Dense(AttentionShape shape)
    {
        AttentionShape filled = shape.KeyHeadCount == 0 ? shape with { KeyHeadCount = shape.HeadCount } : shape;
        return new()
        {
            Shape = filled,
            QueryStrides = OperandStrides.Dense(filled.HeadCount, filled.QueryLength, filled.HeadDimension),
            KeyStrides = OperandStrides.Dense(filled.KeyHeadCount, filled.KeyLength, filled.HeadDimension),
            ValueStrides = OperandStrides.Dense(filled.KeyHeadCount, filled.KeyLength, filled.ValueDimension),
            DestinationStrides = OperandStrides.Dense(filled.HeadCount, filled.QueryLength, filled.ValueDimension),
            LogitScale = (float)(1.0 / Math.Sqrt(filled.HeadDimension)),
        };
    }

    /// <summary>Null if kernels exist for the call, else why not.</summary>
    public string? WhyNot()
    {
        if (Shape.HeadDimension > MaximumDimension)
        {
            return $"headDimension is {Shape.HeadDimension}; the CUDA kernels take at most {MaximumDimension}";
        }

        if (Shape.ValueDimension > MaximumDimension)
        {
            return $"valueDimension is {Shape.ValueDimension}; the CUDA kernels take at most {MaximumDimension}";
        }

        if (Shape.KeyLength > MaximumKeyLength)
        {
            return $"keyLength is {Shape.KeyLength}; the CUDA kernels take at most {MaximumKeyLength}";
        }

        return Shape.BatchSize > MaximumGridYZ || Shape.HeadCount > MaximumGridYZ
            ? $"batchSize is {Shape.BatchSize} and headCount {Shape.HeadCount}; a launch takes at most {MaximumGridYZ} of each"
            : null;
    }

    /// <summary>Null if a device can run the call, else why not.</summary>
    /// <param name="computeCapability">80 for sm_80.</param>
    public string? WhyNot(int computeCapability) => SignProductForms.WhyNone(computeCapability) ?? WhyNot();
}
