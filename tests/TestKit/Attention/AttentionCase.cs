// One call of attention as test data: sizes, options, and how the operands look. The operands follow from the case alone (the seed is a hash of its text), so that a failing
// case can be run again from its name.
using BinaryAttention;

namespace TestKit.Attention;

/// <summary>A call of one-bit or exact attention.</summary>
public sealed record AttentionCase
{
    public int Batch { get; init; } = 1;

    public int Heads { get; init; } = 1;

    public int KeyHeads { get; init; } = 1;

    public int Queries { get; init; } = 1;

    public int Keys { get; init; } = 1;

    public int HeadDimension { get; init; } = 64;

    public int ValueDimension { get; init; } = 64;

    public TensorLayout Layout { get; init; }

    public WeightingForm Weighting { get; init; }

    public ValueQuantization Quantization { get; init; }

    public BiasForm Bias { get; init; }

    public InputKind Inputs { get; init; }

    public float? LogitScale { get; init; }

    public AttentionShape Shape => new(Batch, Heads, Queries, Keys, HeadDimension, ValueDimension) { KeyHeadCount = KeyHeads };

    public BinaryAttentionOptions BinaryOptions(string? kernel = null, int? threads = null)
    {
        BinaryAttentionOptions options = MakeBinaryOptions(threads);
        return options with { Kernel = KernelPreference.NameOrBest(kernel, Shape, options) };
    }

    public AttentionOptions ExactOptions(string? kernel = null, int? threads = null)
    {
        var options = new AttentionOptions { LogitScale = LogitScale, Layout = Layout, Bias = MakeBias(), MaxDegreeOfParallelism = threads };
        return options with { Kernel = KernelPreference.NameOrBest(kernel, Shape, options) };
    }

    private BinaryAttentionOptions MakeBinaryOptions(int? threads) => new()
    {
        LogitScale = LogitScale,
        Layout = Layout,
        Bias = MakeBias(),
        MaxDegreeOfParallelism = threads,
        Quantization = Quantization,
        Weighting = Weighting switch
        {
            WeightingForm.PerHead => SignWeighting.MeanMagnitudePerHead,
            WeightingForm.PerTokenQuery => SignWeighting.PerTokenQuery,
            WeightingForm.None => SignWeighting.None,
            WeightingForm.PerToken => SignWeighting.MeanMagnitudePerToken,
            _ => new SignWeighting(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerToken),
        },
    };

    public Operands MakeOperands() => new(
        TestKit.Attention.Inputs.Make(Inputs, Seed, Batch * Heads, Queries, HeadDimension),
        TestKit.Attention.Inputs.Make(Inputs, Seed + 10, Batch * KeyHeads, Keys, HeadDimension),
        TestKit.Attention.Inputs.Make(Inputs, Seed + 20, Batch * KeyHeads, Keys, ValueDimension));

    public override string ToString()
    {
        string heads = KeyHeads == Heads ? $"{Heads}" : $"{Heads}/{KeyHeads}";
        string scale = LogitScale is { } value ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" scale {value}") : string.Empty;
        string bias = Bias == BiasForm.None ? string.Empty : $" bias {Bias}";
        string layout = Layout == TensorLayout.TokenHeadDimension ? " tokens first" : string.Empty;
        return $"{Batch}x{heads} heads, {Queries}x{Keys} tokens, d {HeadDimension}, dv {ValueDimension}, {Quantization} {Weighting} {Inputs}{scale}{bias}{layout}";
    }

    /// <summary>The bias, made from the case's seed.</summary>
    public AttentionBias? MakeBias()
    {
        switch (Bias)
        {
            case BiasForm.None:
                return null;
            case BiasForm.PerKeyShared:
                return AttentionBias.PerKey(Numbers(Keys), 1, 1, Keys);
            case BiasForm.PerKeyFull:
                float[] perKey = Numbers(Batch * Heads * Keys);
                for (int i = 1; i < perKey.Length; i += 3)
                {
                    perKey[i] = float.NegativeInfinity;
                }

                return AttentionBias.PerKey(perKey, Batch, Heads, Keys);
            case BiasForm.DenseShared:
                return Dense(1, 1);
            case BiasForm.DensePerHead:
                return Dense(1, Heads);
            case BiasForm.DensePerBatch:
                return Dense(Batch, 1);
            case BiasForm.DenseFull:
                return Dense(Batch, Heads);
            case BiasForm.DenseMasked:
                return AttentionBias.Dense(Masked(Numbers(Batch * Heads * Queries * Keys)), Batch, Heads, Queries, Keys);
            default:
                return Relative();
        }
    }

    private AttentionBias Dense(int batch, int heads) => AttentionBias.Dense(Numbers(batch * heads * Queries * Keys), batch, heads, Queries, Keys);

    private AttentionBias Relative()
    {
        bool hasClass = Bias != BiasForm.Relative;
        int heads = Bias == BiasForm.RelativeShared ? 1 : Heads;
        int tokens = hasClass ? Keys - 1 : Keys;
        int height = (int)Math.Sqrt(tokens);
        while (tokens % height != 0)
        {
            height--;
        }

        int width = tokens / height;
        int rows = (((2 * height) - 1) * ((2 * width) - 1)) + (hasClass ? 3 : 0);
        return AttentionBias.RelativePosition(Numbers(rows * heads), heads, height, width, hasClass);
    }

    private float[] Masked(float[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (i % 3 == 1 || i / Keys % 4 == 2)
            {
                values[i] = float.NegativeInfinity;
            }
        }

        return values;
    }

    private float[] Numbers(int count) => TestKit.Attention.Inputs.Gaussian(Seed + 30, count);

    // FNV-1a of the case's text without its options that must not change the operands.
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
