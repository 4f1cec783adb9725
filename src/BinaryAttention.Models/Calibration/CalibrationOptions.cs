namespace BinaryAttention.Models.Calibration;

/// <summary>What a calibration may do. The defaults give one plane of as many signs as a head has channels, learned projections and one weight per head for the keys.</summary>
public sealed record CalibrationOptions
{
    /// <summary>How the codes are found.</summary>
    public CalibrationRecipe Recipe { get; init; } = CalibrationRecipe.Projection;

    /// <summary>Sign planes per query, 1 or 2; 2 with <see cref="CalibrationRecipe.ClosedForm"/> alone.</summary>
    public int QueryPlanes { get; init; } = 1;

    /// <summary>Sign planes per key, 1 or 2; 2 with <see cref="CalibrationRecipe.ClosedForm"/> alone.</summary>
    public int KeyPlanes { get; init; } = 1;

    /// <summary>Signs of a code over channels of a head: 1, or 2 for codes of twice the length.</summary>
    public int CodeLengthFactor { get; init; } = 1;

    /// <summary>What multiplies the signs of the keys.</summary>
    public KeyWeights KeyWeights { get; init; }

    /// <summary>Rank of the part of the logits that stays in float, 0 to 16.</summary>
    public int Rank { get; init; }

    /// <summary>Whether the class token's row (and a distillation token's) is computed exactly: one dot product per token and head.</summary>
    public bool ExactSpecialRows { get; init; }

    /// <summary>Layers that stay exact.</summary>
    public IReadOnlyCollection<int> ExactLayers { get; init; } = [];

    /// <summary>Layers whose queries and keys become 8-bit numbers instead: next to exact, and faster.</summary>
    public IReadOnlyCollection<int> EightBitLayers { get; init; } = [];

    /// <summary>
    /// Time for the whole calibration, or null for as long as it takes. The number of steps that fits is estimated before learning starts, none of them if fewer than a hundred fit; heads that are not learned when
    /// the time is over keep what they have. The codes then depend on the speed of the machine.
    /// </summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Weight of a special token's row in the loss; every other row has 1.</summary>
    public float SpecialRowWeight { get; init; } = 20;

    /// <summary>Steps of the learned recipes.</summary>
    public int Steps { get; init; } = 700;

    /// <summary>Images of one step.</summary>
    public int ImagesPerStep { get; init; } = 4;

    /// <summary>First step size over the mean magnitude of what is learned; it falls to 0 along a cosine.</summary>
    public float StepSize { get; init; } = 8e-3f;

    /// <summary>Decides the rotations and the order of the images. The same seed gives the same bits on the same machine at any number of threads.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Most threads, at least 1; null means one per processor.</summary>
    public int? MaxDegreeOfParallelism { get; init; }

    /// <summary>Refuses options out of range, by name.</summary>
    /// <exception cref="ArgumentException">An option is out of range or does not go with another.</exception>
    public void Validate()
    {
        if (Recipe is not (CalibrationRecipe.ClosedForm or CalibrationRecipe.Rotation or CalibrationRecipe.Projection))
        {
            throw Wrong($"Recipe is {Recipe}; expected ClosedForm, Rotation or Projection.");
        }

        if (QueryPlanes is not (1 or 2) || KeyPlanes is not (1 or 2))
        {
            throw Wrong($"QueryPlanes is {QueryPlanes} and KeyPlanes {KeyPlanes}; each must be 1 or 2.");
        }

        if ((QueryPlanes == 2 || KeyPlanes == 2) && Recipe != CalibrationRecipe.ClosedForm)
        {
            throw Wrong($"QueryPlanes is {QueryPlanes} and KeyPlanes {KeyPlanes} with Recipe {Recipe}; learned codes have one plane. Use ClosedForm, or CodeLengthFactor 2.");
        }

        if (KeyWeights is not (KeyWeights.PerHead or KeyWeights.PerToken))
        {
            throw Wrong($"KeyWeights is {KeyWeights}; expected PerHead or PerToken.");
        }

        InRange(CodeLengthFactor, 1, 2, nameof(CodeLengthFactor));
        InRange(Rank, 0, 16, nameof(Rank));
        InRange(Steps, 1, 100_000, nameof(Steps));
        InRange(ImagesPerStep, 1, 1024, nameof(ImagesPerStep));
        if (!(StepSize > 0 && StepSize <= 1) || !(SpecialRowWeight >= 0 && SpecialRowWeight <= 1e6f))
        {
            throw Wrong($"StepSize is {StepSize} and SpecialRowWeight {SpecialRowWeight}; a step size above 0 and at most 1 and a weight of 0 to 1e6 are expected.");
        }

        if (MaxDegreeOfParallelism < 1)
        {
            throw Wrong($"MaxDegreeOfParallelism is {MaxDegreeOfParallelism}; expected at least 1, or null for one thread per processor.");
        }

        if (Budget is { } budget && budget <= TimeSpan.Zero)
        {
            throw Wrong($"Budget is {budget}; a time above 0 is expected, or null for as long as it takes.");
        }

        ArgumentNullException.ThrowIfNull(ExactLayers);
        ArgumentNullException.ThrowIfNull(EightBitLayers);
        int twice = ExactLayers.Intersect(EightBitLayers).FirstOrDefault(-1);
        if (ExactLayers.Contains(twice) && EightBitLayers.Contains(twice))
        {
            throw Wrong($"layer {twice} is in ExactLayers and in EightBitLayers; one of them is expected.");
        }
    }

    /// <summary>Layers that get no codes.</summary>
    internal IReadOnlyCollection<int> LayersWithoutCodes => [.. ExactLayers.Union(EightBitLayers).Order()];

    private static void InRange(int value, int least, int most, string name)
    {
        if (value < least || value > most)
        {
            throw Wrong($"{name} is {value}; expected {least} to {most}.");
        }
    }

    private static ArgumentException Wrong(string message) => new(message, "options");
}
