// The cases of the kernel contract. Sizes are the awkward ones: around vector widths, code widths, row units of six and blocks of 64 keys.
using TestKit;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Contract;

internal static class ContractCases
{
    public const string Reference = "reference";

    /// <summary>Set in child processes, which run a thinned selection and start no children of their own.</summary>
    public const string ChildVariable = "BINARYATTENTION_TEST_CHILD";

    private const string LongVariable = "BINARYATTENTION_LONG";
    private const int ChildThinning = 4;

    private static readonly int[] HeadDimensions = [1, 8, 31, 32, 48, 59, 63, 64, 65, 72, 96, 111, 128, 254, 255, 256, 300];
    private static readonly int[] KeyLengths = [1, 2, 15, 16, 17, 63, 64, 65, 97, 128, 197];
    private static readonly int[] QueryLengths = [1, 2, 5, 6, 7, 24, 25, 49];
    private static readonly int[] ValueDimensions = [1, 2, 8, 15, 16, 17, 40, 64, 72, 128];
    private static readonly (int Batch, int Heads, int KeyHeads)[] HeadCounts = [(1, 1, 1), (2, 3, 3), (1, 4, 2), (2, 4, 1)];
    private static readonly ValueQuantization[] Integer = [ValueQuantization.Tiled, ValueQuantization.TrainingParity];
    private static readonly WeightingForm[] TableWeightings = [WeightingForm.PerHead, WeightingForm.PerTokenQuery, WeightingForm.None];
    private static readonly WeightingForm[] AllWeightings = Enum.GetValues<WeightingForm>();
    private static readonly InputKind[] AllInputs = [.. Enum.GetValues<InputKind>().Where(kind => kind < InputKind.WithNaN)];
    private static readonly InputKind[] ModerateInputs = [InputKind.Gaussian, InputKind.EqualRows, InputKind.Zeros, InputKind.Denormals, InputKind.Clustered, InputKind.SignedZeros, InputKind.Offset];
    private static readonly float?[] TableScales = [null, -0.3f, 1e4f, 1e-6f, -1e-3f, 0f];
    private static readonly float?[] FloatScales = [null, -0.3f, 2f, 1e-6f, 0f];
    private static readonly TensorLayout[] Layouts = [TensorLayout.HeadTokenDimension, TensorLayout.TokenHeadDimension];
    private static readonly BiasForm[] Biases = Enum.GetValues<BiasForm>();

    // Every part of a mask alone, and combinations.
    private static readonly MaskParts[] Masks =
    [
        MaskParts.None, MaskParts.Causal, MaskParts.QueryLengths, MaskParts.KeyLengths, MaskParts.Pairs, MaskParts.PairsPerHead, MaskParts.Blocks, MaskParts.BlocksPerHead,
        MaskParts.Causal | MaskParts.QueryLengths | MaskParts.KeyLengths, MaskParts.Causal | MaskParts.BlocksPerHead, MaskParts.KeyLengths | MaskParts.PairsPerHead | MaskParts.Blocks,
        MaskParts.Causal | MaskParts.QueryLengths | MaskParts.KeyLengths | MaskParts.Pairs | MaskParts.BlocksPerHead,
    ];

    private static readonly SignOfZero[] Zeros = [SignOfZero.Positive, SignOfZero.Negative];
    private static readonly int[] Gaps = [0, 3];

    // Query centres make a bias, which leaves table mode.
    private static readonly CalibrationParts[] TableCalibrations =
        [CalibrationParts.None, CalibrationParts.Temperature, CalibrationParts.KeyCentre | CalibrationParts.Rotation, CalibrationParts.KeyCentre | CalibrationParts.Rotation | CalibrationParts.Temperature];

    private static readonly CalibrationParts[] Calibrations = [CalibrationParts.None, CalibrationParts.QueryCentre, CalibrationParts.KeyCentre, CalibrationParts.Rotation, CalibrationParts.Temperature, CalibrationParts.All];
    private static readonly (int Query, int Key)[] Planes = [(1, 1), (2, 1), (1, 2), (2, 2)];

    /// <summary>Whether this process is a child.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(ChildVariable) is not null;

    /// <summary>Kernels that are compared with the reference, usable here or not.</summary>
    public static IReadOnlyList<string> Kernels { get; } = [.. AttentionKernels.All.Select(kernel => kernel.Name).Where(name => name != Reference)];

    /// <summary>Every kernel with the reference, which children need not run again.</summary>
    public static IReadOnlyList<string> AllKernels { get; } = IsChild ? Kernels : [.. Kernels, Reference];

    public static IReadOnlyList<AttentionCase> TableMode { get; } = Thin(SelectTableMode(seed: 1));

    public static IReadOnlyList<AttentionCase> LogMode { get; } = Thin([.. SelectFloatLogits(seed: 2).Where(IsLogMode)]);

    public static IReadOnlyList<AttentionCase> Full { get; } = Thin([.. SelectFloatLogits(seed: 3).Select(c => c with { Quantization = ValueQuantization.Full })]);

    public static IReadOnlyList<AttentionCase> Exact { get; } = Thin(SelectFloatLogits(seed: 4));

    /// <summary>Whether a one-bit case works with float logits.</summary>
    public static bool IsLogMode(AttentionCase c) =>
        c.Bias != BiasForm.None || c.Weighting >= WeightingForm.PerToken || c.QueryPlanes == 2 || c.KeyPlanes == 2 || c.Calibration.HasFlag(CalibrationParts.QueryCentre);

    /// <summary>Whether the weightings of a case leave room for second planes.</summary>
    public static bool HasMeanMagnitudes(WeightingForm weighting) => weighting is WeightingForm.PerHead or WeightingForm.PerTokenQuery or WeightingForm.PerToken or WeightingForm.PerTokenKey;

    /// <summary>The cases that a child runs of a full list.</summary>
    public static IEnumerable<AttentionCase> ChildSelection(IEnumerable<AttentionCase> cases) => cases.Where((_, index) => index % ChildThinning == 0);

    public static void RequireUsable(string kernel)
    {
        KernelDescription description = AttentionKernels.All.Single(candidate => candidate.Name == kernel);
        Assert.SkipUnless(description.IsUsable, $"{kernel}: {description.WhyNot}");
    }

    /// <summary>Whether the long tests are asked for.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable(LongVariable) == "1";

    public static void RequireLong() => Assert.SkipUnless(IsLong, $"long matrix: set {LongVariable}=1");

    public static TheoryData<string> OneRowPerKernel(IEnumerable<string> kernels) => [.. kernels];

    public static TheoryData<string, AttentionCase> Product(IEnumerable<string> kernels, IReadOnlyList<AttentionCase> cases)
    {
        var data = new TheoryData<string, AttentionCase>();
        foreach (string kernel in kernels)
        {
            foreach (AttentionCase attentionCase in cases)
            {
                data.Add(kernel, attentionCase);
            }
        }

        return data;
    }

    /// <summary>The full product of the sizes and modes of table mode; the other factors take turns.</summary>
    public static IEnumerable<AttentionCase> LongTableMode()
    {
        int turn = 0;
        foreach (int dimension in HeadDimensions)
        {
            foreach (int keys in (int[])[.. KeyLengths, 1025])
            {
                foreach (int valueDimension in ValueDimensions)
                {
                    foreach (ValueQuantization quantization in Integer)
                    {
                        foreach (WeightingForm weighting in TableWeightings)
                        {
                            turn++;
                            (int batch, int heads, int keyHeads) = HeadCounts[turn % HeadCounts.Length];
                            yield return new AttentionCase
                            {
                                Batch = batch, Heads = heads, KeyHeads = keyHeads, Queries = QueryLengths[turn % 5], Keys = keys, HeadDimension = dimension, ValueDimension = valueDimension,
                                Quantization = quantization, Weighting = weighting, Layout = Layouts[turn % 2], Inputs = AllInputs[turn % AllInputs.Length], LogitScale = TableScales[turn % TableScales.Length],
                            };
                        }
                    }
                }
            }
        }
    }

    private static List<AttentionCase> SelectTableMode(int seed)
    {
        List<AttentionCase> cases =
        [
            new() { Heads = 2, KeyHeads = 2, Queries = 5, Keys = 1025, HeadDimension = 64, ValueDimension = 64 },
            new() { Queries = 3, Keys = 2049, HeadDimension = 300, ValueDimension = 17, Quantization = ValueQuantization.TrainingParity },
            new() { Queries = 7, Keys = 4099, HeadDimension = 96, ValueDimension = 8, Inputs = InputKind.Clustered },
            new() { Queries = 70, Keys = 2500, HeadDimension = 32, ValueDimension = 5, Mask = MaskParts.Blocks },
            new() { Heads = 2, KeyHeads = 1, Queries = 66, Keys = 2113, HeadDimension = 300, ValueDimension = 3, Mask = MaskParts.Causal | MaskParts.BlocksPerHead | MaskParts.Pairs },
        ];
        foreach (int[] row in Pairwise.Select(seed, HeadDimensions.Length, KeyLengths.Length, QueryLengths.Length, ValueDimensions.Length, HeadCounts.Length, Integer.Length, TableWeightings.Length, AllInputs.Length, TableScales.Length, Layouts.Length, Masks.Length, Zeros.Length, TableCalibrations.Length, Gaps.Length))
        {
            (int batch, int heads, int keyHeads) = HeadCounts[row[4]];
            cases.Add(new AttentionCase
            {
                Batch = batch, Heads = heads, KeyHeads = keyHeads, HeadDimension = HeadDimensions[row[0]], Keys = KeyLengths[row[1]], Queries = QueryLengths[row[2]], ValueDimension = ValueDimensions[row[3]],
                Quantization = Integer[row[5]], Weighting = TableWeightings[row[6]], Inputs = AllInputs[row[7]], LogitScale = TableScales[row[8]], Layout = Layouts[row[9]],
                Mask = Masks[row[10]], SignOfZero = Zeros[row[11]], Calibration = TableCalibrations[row[12]], TokenGap = Gaps[row[13]],
            });
        }

        return cases;
    }

    // Logits of a size that float32 resolves: the tolerance rules speak about rounding, not about overflow.
    private static List<AttentionCase> SelectFloatLogits(int seed)
    {
        // More keys than one block of exact attention (256), so that maxima and sums are carried from block to block, and more than one chunk of the integer product (2048).
        List<AttentionCase> cases =
        [
            new() { Heads = 2, KeyHeads = 2, Queries = 7, Keys = 600, HeadDimension = 40, ValueDimension = 24, Inputs = InputKind.Clustered, Weighting = WeightingForm.PerToken },
            new() { Queries = 50, Keys = 257, HeadDimension = 64, ValueDimension = 64, LogitScale = 2f, Bias = BiasForm.DenseMasked },
            new() { Batch = 2, Heads = 2, KeyHeads = 1, Queries = 5, Keys = 1025, HeadDimension = 65, ValueDimension = 17, Bias = BiasForm.PerKeyFull, Quantization = ValueQuantization.TrainingParity },
            new() { Queries = 3, Keys = 2100, HeadDimension = 32, ValueDimension = 9, Bias = BiasForm.PerKeyShared },
            new() { Heads = 2, KeyHeads = 2, Queries = 300, Keys = 300, HeadDimension = 31, ValueDimension = 16, Bias = BiasForm.Relative },
            new() { Heads = 2, KeyHeads = 2, Queries = 290, Keys = 290, HeadDimension = 24, ValueDimension = 8, Bias = BiasForm.RelativeWithClass },
            new() { Queries = 587, Keys = 587, HeadDimension = 8, ValueDimension = 8, Bias = BiasForm.RelativeShared },
            new() { Heads = 2, KeyHeads = 2, Queries = 130, Keys = 600, HeadDimension = 32, ValueDimension = 8, Bias = BiasForm.LowRankFull, Mask = MaskParts.Causal | MaskParts.BlocksPerHead, QueryPlanes = 2, KeyPlanes = 2 },
            new() { Queries = 299, Keys = 299, HeadDimension = 16, ValueDimension = 8, Bias = BiasForm.RelativeWithClass, Mask = MaskParts.Blocks, Calibration = CalibrationParts.All, Weighting = WeightingForm.PerToken },
            new() { Queries = 9, Keys = 2200, HeadDimension = 16, ValueDimension = 8, Mask = MaskParts.Causal | MaskParts.Pairs, Weighting = WeightingForm.Learned },
        ];
        foreach (int[] row in Pairwise.Select(seed, HeadDimensions.Length, KeyLengths.Length, QueryLengths.Length, ValueDimensions.Length, HeadCounts.Length, Integer.Length, AllWeightings.Length, ModerateInputs.Length, FloatScales.Length, Layouts.Length, Biases.Length, Masks.Length, Zeros.Length, Calibrations.Length, Planes.Length, Gaps.Length))
        {
            (int batch, int heads, int keyHeads) = HeadCounts[row[4]];
            BiasForm bias = Biases[row[10]];
            bool isRelative = CaseBiases.IsRelative(bias);
            int keys = isRelative ? Math.Clamp(KeyLengths[row[1]], 2, 65) : KeyLengths[row[1]];
            WeightingForm weighting = AllWeightings[row[6]];
            InputKind inputs = ModerateInputs[row[7]];

            // Exact logits of many large channels would be hundreds, of which float32 leaves few digits and the tolerance rule few rows to judge by.
            float? scale = HeadDimensions[row[0]] > 200 && (inputs is InputKind.Clustered or InputKind.Offset) ? null : FloatScales[row[8]];
            (int queryPlanes, int keyPlanes) = HasMeanMagnitudes(weighting) ? Planes[row[14]] : Planes[0];
            cases.Add(new AttentionCase
            {
                Batch = batch, Heads = heads, KeyHeads = keyHeads, HeadDimension = HeadDimensions[row[0]], Keys = keys, Queries = isRelative ? keys : QueryLengths[row[2]], ValueDimension = ValueDimensions[row[3]],
                Quantization = Integer[row[5]], Weighting = weighting, Inputs = inputs, LogitScale = scale, Layout = Layouts[row[9]], Bias = bias,
                Mask = Masks[row[11]], SignOfZero = Zeros[row[12]], Calibration = Calibrations[row[13]], QueryPlanes = queryPlanes, KeyPlanes = keyPlanes, TokenGap = Gaps[row[15]],
            });
        }

        return cases;
    }

    private static List<AttentionCase> Thin(List<AttentionCase> cases) => IsChild ? [.. ChildSelection(cases)] : cases;
}
