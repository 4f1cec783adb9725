// One call of attention as test data: sizes, options, and how the operands look. Operands, masks and weights follow from the case alone (the seed is a hash of its sizes), so that a failing case can be
// run again from its text or from ToCode.
using System.Globalization;
using System.Reflection;
using BinaryAttention;

namespace TestKit.Attention;

/// <summary>A call of one-bit or exact attention.</summary>
public sealed record AttentionCase
{
    /// <summary>Whether the call is exact attention, for callers that run either.</summary>
    public bool IsExact { get; init; }

    public int Batch { get; init; } = 1;

    public int Heads { get; init; } = 1;

    public int KeyHeads { get; init; } = 1;

    public int Queries { get; init; } = 1;

    public int Keys { get; init; } = 1;

    public int HeadDimension { get; init; } = 64;

    public int ValueDimension { get; init; } = 64;

    public TensorLayout Layout { get; init; }

    /// <summary>Elements between one token and the next, which hold NaN.</summary>
    public int TokenGap { get; init; }

    public WeightingForm Weighting { get; init; }

    public ValueQuantization Quantization { get; init; }

    public BiasForm Bias { get; init; }

    public MaskParts Mask { get; init; }

    public SignOfZero SignOfZero { get; init; }

    public int QueryPlanes { get; init; } = 1;

    public int KeyPlanes { get; init; } = 1;

    public CalibrationParts Calibration { get; init; }

    public InputKind Inputs { get; init; }

    public float? LogitScale { get; init; }

    /// <summary>The shape of dense operands.</summary>
    public AttentionShape Shape => new(Batch, Heads, Queries, Keys, HeadDimension, ValueDimension) { KeyHeadCount = KeyHeads };

    /// <summary>The shape with the token gap.</summary>
    public AttentionShape StridedShape => Shape with
    {
        QueryTokenStride = Stride(Heads, HeadDimension),
        KeyTokenStride = Stride(KeyHeads, HeadDimension),
        ValueTokenStride = Stride(KeyHeads, ValueDimension),
        DestinationTokenStride = Stride(Heads, ValueDimension),
    };

    /// <summary>One-bit options. A kernel that does not take the case gives way to the best one that does.</summary>
    public BinaryAttentionOptions BinaryOptions(string? kernel = null, int? threads = null)
    {
        BinaryAttentionOptions options = MakeBinaryOptions(threads);
        return options with { Kernel = KernelPreference.NameOrBest(kernel, Shape, options) };
    }

    /// <summary>Exact options, likewise.</summary>
    public AttentionOptions ExactOptions(string? kernel = null, int? threads = null)
    {
        var options = new AttentionOptions { LogitScale = LogitScale, Layout = Layout, Bias = CaseBiases.Make(this, Seed + 30), Mask = CaseMasks.Make(this, Seed + 40), MaxDegreeOfParallelism = threads };
        return options with { Kernel = KernelPreference.NameOrBest(kernel, Shape, options) };
    }

    private BinaryAttentionOptions MakeBinaryOptions(int? threads) => new()
    {
        LogitScale = LogitScale,
        Layout = Layout,
        Bias = CaseBiases.Make(this, Seed + 30),
        Mask = CaseMasks.Make(this, Seed + 40),
        MaxDegreeOfParallelism = threads,
        Quantization = Quantization,
        SignOfZero = SignOfZero,
        QueryPlanes = QueryPlanes,
        KeyPlanes = KeyPlanes,
        Calibration = CaseCalibration.Make(this, Seed + 60),
        Weighting = CaseWeights.Make(this, Seed + 50),
    };

    /// <summary>The bias alone.</summary>
    public AttentionBias? MakeBias() => CaseBiases.Make(this, Seed + 30);

    public Operands MakeOperands()
    {
        var operands = new Operands(
            TestKit.Attention.Inputs.Make(Inputs, Seed, Batch * Heads, Queries, HeadDimension),
            TestKit.Attention.Inputs.Make(Inputs, Seed + 10, Batch * KeyHeads, Keys, HeadDimension),
            TestKit.Attention.Inputs.Make(Inputs, Seed + 20, Batch * KeyHeads, Keys, ValueDimension));
        if (Mask.HasFlag(MaskParts.QueryLengths))
        {
            FillPadding(operands.Query, CaseMasks.QueryLengths(this, Seed + 40), Heads, Queries, HeadDimension);
        }

        if (Mask.HasFlag(MaskParts.KeyLengths))
        {
            FillPadding(operands.Key, CaseMasks.KeyLengths(this, Seed + 40), KeyHeads, Keys, HeadDimension);
            FillPadding(operands.Value, CaseMasks.KeyLengths(this, Seed + 40), KeyHeads, Keys, ValueDimension);
        }

        return operands;
    }

    public override string ToString()
    {
        string heads = KeyHeads == Heads ? $"{Heads}" : $"{Heads}/{KeyHeads}";
        string scale = LogitScale is { } value ? string.Create(CultureInfo.InvariantCulture, $" scale {value}") : string.Empty;
        string bias = Bias == BiasForm.None ? string.Empty : $" bias {Bias}";
        string mask = Mask == MaskParts.None ? string.Empty : $" mask {Mask}";
        string zero = SignOfZero == SignOfZero.Positive ? string.Empty : " zeros negative";
        string planes = QueryPlanes == 1 && KeyPlanes == 1 ? string.Empty : $" planes {QueryPlanes}/{KeyPlanes}";
        string calibration = Calibration == CalibrationParts.None ? string.Empty : $" calibration {Calibration}";
        string layout = (Layout == TensorLayout.TokenHeadDimension ? " tokens first" : string.Empty) + (TokenGap == 0 ? string.Empty : $" gap {TokenGap}");
        return $"{(IsExact ? "exact, " : string.Empty)}{Batch}x{heads} heads, {Queries}x{Keys} tokens, d {HeadDimension}, dv {ValueDimension}, {Quantization} {Weighting} {Inputs}{scale}{bias}{mask}{zero}{planes}{calibration}{layout}";
    }

    /// <summary>The case as a C# expression: the members that differ from their defaults.</summary>
    public string ToCode()
    {
        var defaults = new AttentionCase();
        IEnumerable<string> members =
            from property in typeof(AttentionCase).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            where property.CanWrite && !Equals(property.GetValue(this), property.GetValue(defaults))
            select $"{property.Name} = {Literal(property.GetValue(this)!)}";
        return $"new AttentionCase {{ {string.Join(", ", members)} }}";
    }

    private static string Literal(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        float number => string.Create(CultureInfo.InvariantCulture, $"{number:R}f"),
        Enum name => string.Join(" | ", name.ToString().Split(", ").Select(part => $"{name.GetType().Name}.{part}")),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static void FillPadding(float[] values, int[] lengths, int heads, int tokens, int dimension)
    {
        for (int head = 0; head < lengths.Length * heads; head++)
        {
            int valid = lengths[head / heads];
            values.AsSpan(((head * tokens) + valid) * dimension, (tokens - valid) * dimension).Fill(float.NaN);
        }
    }

    private int Stride(int heads, int dimension) => (Layout == TensorLayout.TokenHeadDimension ? heads * dimension : dimension) + TokenGap;

    // FNV-1a of the case's sizes: options must not change the operands.
    private int Seed
    {
        get
        {
            uint hash = 2166136261;
            foreach (char c in $"{Batch} {Heads} {KeyHeads} {Queries} {Keys} {HeadDimension} {ValueDimension} {Inputs}")
            {
                hash = (hash ^ c) * 16777619;
            }

            return (int)(hash & 0x3FFF_FFFF);
        }
    }
}
