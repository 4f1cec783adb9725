// One backward call as test data. The numbers follow from the sizes alone, so that a failing case can be run again from its text.
using TestKit.Attention;

namespace BinaryAttention.Tests.Backward;

internal sealed record BackwardCase
{
    public bool IsBinary { get; init; } = true;

    public int Batch { get; init; } = 1;

    public int Heads { get; init; } = 1;

    public int KeyHeads { get; init; } = 1;

    public int Queries { get; init; } = 7;

    public int Keys { get; init; } = 9;

    public int HeadDimension { get; init; } = 16;

    public int ValueDimension { get; init; } = 8;

    public TensorLayout Layout { get; init; }

    /// <summary>Elements between tokens beyond the dense stride.</summary>
    public int Gap { get; init; }

    /// <summary>A mode on both sides, "query" (per token for rows, per head for columns), "key" (the reverse) or "learned".</summary>
    public string Weighting { get; init; } = "head";

    public ValueQuantization Quantization { get; init; } = ValueQuantization.Full;

    public string Mask { get; init; } = "none";

    public string Bias { get; init; } = "none";

    public float? LogitScale { get; init; }

    public bool HasTemperature { get; init; }

    public SignOfZero SignOfZero { get; init; }

    public static IReadOnlyList<string> Weightings { get; } = ["head", "token", "query", "key", "none", "learned"];

    public static IReadOnlyList<string> Masks { get; } = ["none", "causal", "lengths", "boolean", "boolean per head", "blocks", "causal blocks lengths"];

    public static IReadOnlyList<string> Biases { get; } =
        ["none", "key shared", "key", "dense", "dense per head", "dense per batch", "dense shared", "relative", "relative with class", "relative shared", "low rank", "low rank shared"];

    public AttentionShape Shape => new(Batch, Heads, Queries, Keys, HeadDimension, ValueDimension)
    {
        KeyHeadCount = KeyHeads,
        QueryTokenStride = Stride(Heads, HeadDimension),
        KeyTokenStride = Stride(KeyHeads, HeadDimension),
        ValueTokenStride = Stride(KeyHeads, ValueDimension),
        DestinationTokenStride = Stride(Heads, ValueDimension),
    };

    public int TableMaximum => Math.Max(Queries, Keys);

    public override string ToString() =>
        $"{(IsBinary ? $"{Weighting} {Quantization} zero {SignOfZero}" : "exact")}, {Batch}x{Heads}/{KeyHeads} heads, {Queries}x{Keys} tokens, d {HeadDimension}, dv {ValueDimension}, mask {Mask}, bias {Bias}, {Layout} gap {Gap}, scale {LogitScale}, temperature {HasTemperature}";

    public BinaryAttentionOptions BinaryOptions(string? kernel = null, int? threads = null) => new()
    {
        LogitScale = LogitScale,
        Layout = Layout,
        Bias = MakeBias(),
        Mask = MakeMask(),
        Kernel = kernel,
        MaxDegreeOfParallelism = threads,
        Quantization = Quantization,
        Weighting = MakeWeighting(),
        SignOfZero = SignOfZero,
        Calibration = HasTemperature ? new AttentionCalibration { Temperature = Array.ConvertAll(Numbers(9, Heads), static x => 1f + (0.3f * x)) } : null,
    };

    public AttentionOptions ExactOptions(string? kernel = null, int? threads = null) => new()
    {
        LogitScale = LogitScale,
        Layout = Layout,
        Bias = MakeBias(),
        Mask = MakeMask(),
        Kernel = kernel,
        MaxDegreeOfParallelism = threads,
    };

    public AttentionOptions Options(string? kernel = null, int? threads = null) => IsBinary ? BinaryOptions(kernel, threads) : ExactOptions(kernel, threads);

    /// <summary>Seeded numbers; every purpose has its own.</summary>
    public float[] Numbers(int purpose, int count) => Inputs.Gaussian((1000 * purpose) + (Queries * 7) + (Keys * 3) + HeadDimension, count);

    private int Stride(int heads, int dimension) => Gap == 0 ? 0 : (Layout == TensorLayout.TokenHeadDimension ? heads * dimension : dimension) + Gap;

    private SignWeighting MakeWeighting() => Weighting switch
    {
        "head" => SignWeighting.MeanMagnitudePerHead,
        "token" => SignWeighting.MeanMagnitudePerToken,
        "query" => SignWeighting.PerTokenQuery,
        "key" => new SignWeighting(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerToken),
        "none" => SignWeighting.None,
        _ => SignWeighting.Learned(Numbers(5, Batch * Heads * Queries), Numbers(6, Batch * KeyHeads * Keys)),
    };

    private AttentionMask? MakeMask() => Mask switch
    {
        "none" => null,
        "causal" => AttentionMask.Causal,
        "lengths" => Lengths(),
        "boolean" => Boolean(1),
        "boolean per head" => Boolean(Heads),
        "blocks" => Blocks(),
        _ => AttentionMask.Causal.And(Blocks()).And(Lengths()),
    };

    private AttentionMask Lengths() => AttentionMask.Lengths(
        Enumerable.Range(0, Batch).Select(item => item == 0 ? Math.Max(Queries - 2, 0) : Queries).ToArray(),
        Enumerable.Range(0, Batch).Select(item => item == 0 ? (Keys + 1) / 2 : Keys).ToArray());

    // Two pairs of three are allowed, row 1 sees nothing.
    private AttentionMask Boolean(int heads)
    {
        int words = (Keys + 63) / 64;
        var random = new Random(3);
        var bits = new ulong[heads * Queries * words];
        for (int i = 0; i < bits.Length; i++)
        {
            bits[i] = i / words % Queries == 1 ? 0 : (ulong)random.NextInt64() | (ulong)random.NextInt64() << 1;
        }

        return AttentionMask.Boolean(bits);
    }

    private AttentionMask Blocks()
    {
        int queryBlocks = (Queries + 63) / 64;
        int keyBlocks = (Keys + 63) / 64;
        return AttentionMask.BlockSparse(Enumerable.Range(0, queryBlocks * keyBlocks).Select(block => ((block / keyBlocks) + (block % keyBlocks)) % 3 != 1).ToArray());
    }

    private AttentionBias? MakeBias()
    {
        switch (Bias)
        {
            case "none":
                return null;
            case "key shared":
                return AttentionBias.PerKey(Numbers(7, Keys), 1, 1, Keys);
            case "key":
                return AttentionBias.PerKey(Masked(Numbers(7, Batch * Heads * Keys)), Batch, Heads, Keys);
            case "dense":
                return AttentionBias.Dense(Masked(Numbers(7, Batch * Heads * Queries * Keys)), Batch, Heads, Queries, Keys);
            case "dense per head":
                return AttentionBias.Dense(Numbers(7, Heads * Queries * Keys), 1, Heads, Queries, Keys);
            case "dense per batch":
                return AttentionBias.Dense(Numbers(7, Batch * Queries * Keys), Batch, 1, Queries, Keys);
            case "dense shared":
                return AttentionBias.Dense(Numbers(7, Queries * Keys), 1, 1, Queries, Keys);
            case "low rank":
                return AttentionBias.LowRank(Numbers(7, Batch * Heads * Queries * 3), Numbers(8, Batch * Heads * Keys * 3), Batch, Heads, Queries, Keys, 3);
            case "low rank shared":
                return AttentionBias.LowRank(Numbers(7, Queries * 2), Numbers(8, Keys * 2), 1, 1, Queries, Keys, 2);
            default:
                return Relative(Bias == "relative with class", Bias == "relative shared" ? 1 : Heads);
        }
    }

    private AttentionBias Relative(bool hasClass, int heads)
    {
        int tokens = hasClass ? Keys - 1 : Keys;
        int height = (int)Math.Sqrt(tokens);
        while (tokens % height != 0)
        {
            height--;
        }

        int width = tokens / height;
        int rows = (((2 * height) - 1) * ((2 * width) - 1)) + (hasClass ? 3 : 0);
        return AttentionBias.RelativePosition(Numbers(7, rows * heads), heads, height, width, hasClass);
    }

    private static float[] Masked(float[] values)
    {
        for (int i = 2; i < values.Length; i += 5)
        {
            values[i] = float.NegativeInfinity;
        }

        return values;
    }
}
