// Random calls over everything that can be combined: sizes, layouts, masks, biases, weightings, quantisations, planes, calibrations and inputs, legal or not. A case follows from its number alone.
using BinaryAttention.Tests.Contract;
using TestKit.Attention;

namespace BinaryAttention.Tests.Matrix;

internal static class RandomCases
{
    // What the reference is given to do at most, in multiplications.
    private const long MostWork = 1_500_000;

    private const int LargeEvery = 100;

    private static readonly int[] Dimensions = [1, 2, 6, 7, 8, 12, 16, 31, 32, 33, 48, 59, 63, 64, 65, 72, 96, 111, 127, 128, 129, 192, 253, 254, 255, 256, 300];
    private static readonly int[] ValueDimensions = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 72, 128, 130];
    private static readonly int[] QueryLengths = [1, 2, 5, 6, 7, 11, 12, 13, 23, 24, 25, 47, 48, 49, 63, 64, 65, 70, 129];
    private static readonly int[] KeyLengths = [1, 2, 3, 4, 7, 15, 16, 17, 31, 33, 63, 64, 65, 66, 127, 128, 129, 191, 193, 255, 256, 257, 300];
    private static readonly int[] LargeKeyLengths = [2_047, 2_048, 2_049, 2_111, 2_113, 2_500, 4_095, 4_097];
    private static readonly (int Heads, int KeyHeads)[] Heads = [(1, 1), (1, 1), (2, 2), (3, 3), (2, 1), (4, 2), (4, 1), (6, 3)];
    private static readonly float?[] Scales = [null, null, null, 0f, -0.3f, 1f, 2f, 1e-6f, -1e-3f];
    private static readonly float[] ExtremeScales = [1e4f, -1e4f, 1e15f, 1e30f, -1e30f, 1e-30f];

    /// <summary>The case of a number.</summary>
    public static AttentionCase Make(int number)
    {
        var random = new Random(number);
        (int heads, int keyHeads) = random.Next(150) == 0 ? (3, 2) : Heads[random.Next(Heads.Length)];
        bool isExact = random.Next(6) == 0;
        AttentionCase c = new()
        {
            IsExact = isExact,
            Batch = random.Next(3) == 0 ? 3 : random.Next(1, 3),
            Heads = heads,
            KeyHeads = keyHeads,
            Queries = Size(random, QueryLengths, 40),
            Keys = Size(random, KeyLengths, 150),
            HeadDimension = Size(random, Dimensions, 130),
            ValueDimension = Size(random, ValueDimensions, 70),
            Layout = Pick<TensorLayout>(random),
            TokenGap = random.Next(4) == 0 ? random.Next(1, 9) : 0,
            LogitScale = random.Next(20) == 0 ? ExtremeScales[random.Next(ExtremeScales.Length)] : Scales[random.Next(Scales.Length)],
            Bias = random.Next(2) == 0 ? BiasForm.None : Pick<BiasForm>(random),
            Mask = Mask(random),
            Inputs = Input(random, isExact),
        };
        if (random.Next(LargeEvery) == 0)
        {
            c = c with { Keys = LargeKeyLengths[random.Next(LargeKeyLengths.Length)], HeadDimension = Math.Min(c.HeadDimension, 32), ValueDimension = Math.Min(c.ValueDimension, 17) };
        }

        if (!isExact || random.Next(60) == 0)
        {
            c = OneBit(random, c);
        }

        return Bounded(CaseBiases.IsRelative(c.Bias) && random.Next(20) != 0 ? c with { Keys = Math.Clamp(c.Keys, 2, 150), Queries = Math.Clamp(c.Keys, 2, 150) } : c);
    }

    private static AttentionCase OneBit(Random random, AttentionCase c)
    {
        WeightingForm weighting = Pick<WeightingForm>(random);
        int most = ContractCases.HasMeanMagnitudes(weighting) || random.Next(25) == 0 ? 2 : 1;
        return c with
        {
            Weighting = weighting,
            Quantization = Pick<ValueQuantization>(random),
            SignOfZero = Pick<SignOfZero>(random),
            QueryPlanes = random.Next(1, most + 1),
            KeyPlanes = random.Next(1, most + 1),
            Calibration = random.Next(2) == 0 ? CalibrationParts.None : (CalibrationParts)random.Next(16),
        };
    }

    // Fewer items, heads and queries until the reference is quick; keys and dimensions, where the boundaries are, stay.
    private static AttentionCase Bounded(AttentionCase c)
    {
        while (Work(c) > MostWork)
        {
            AttentionCase smaller = c.Batch > 1 ? c with { Batch = c.Batch - 1 }
                : c.Heads > 2 ? c with { Heads = 2, KeyHeads = Math.Min(c.KeyHeads, 2) }
                : CaseBiases.IsRelative(c.Bias) ? c with { Keys = c.Keys / 2, Queries = c.Queries / 2 }
                : c with { Queries = Math.Max(c.Queries / 2, 1) };
            if (smaller == c)
            {
                break;
            }

            c = smaller;
        }

        return c;
    }

    private static long Work(AttentionCase c) => (long)c.Batch * c.Heads * c.Queries * c.Keys * (c.HeadDimension * c.QueryPlanes * c.KeyPlanes + c.ValueDimension);

    private static int Size(Random random, int[] awkward, int most) => random.Next(2) == 0 ? awkward[random.Next(awkward.Length)] : random.Next(1, most);

    private static MaskParts Mask(Random random)
    {
        MaskParts mask = MaskParts.None;
        foreach (MaskParts part in (MaskParts[])[MaskParts.Causal, MaskParts.QueryLengths, MaskParts.KeyLengths])
        {
            mask |= random.Next(4) == 0 ? part : MaskParts.None;
        }

        mask |= random.Next(8) switch { 0 => MaskParts.Pairs, 1 => MaskParts.PairsPerHead, _ => MaskParts.None };
        return mask | random.Next(8) switch { 0 => MaskParts.Blocks, 1 => MaskParts.BlocksPerHead, _ => MaskParts.None };
    }

    // Infinities in exact attention: float and double differ in which exponentials are 0, and 0 times infinity is NaN.
    private static InputKind Input(Random random, bool isExact)
    {
        InputKind kind = random.Next(2) == 0 ? InputKind.Gaussian : Pick<InputKind>(random);
        return isExact && kind is InputKind.WithInfinities or InputKind.Huge ? InputKind.WithNaN : kind;
    }

    private static T Pick<T>(Random random)
        where T : struct, Enum
    {
        T[] values = Enum.GetValues<T>();
        return values[random.Next(values.Length)];
    }
}
