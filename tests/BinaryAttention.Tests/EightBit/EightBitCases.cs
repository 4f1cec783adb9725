// Cases of 8-bit attention: the sizes and masks of the kernel contract without what 8 bits do not have (weights, planes, calibration).
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using TestKit;
using TestKit.Attention;

namespace BinaryAttention.Tests.EightBit;

internal static class EightBitCases
{
    private static readonly int[] HeadDimensions = [1, 7, 8, 16, 31, 33, 63, 64, 65, 72, 127, 128, 300];
    private static readonly int[] Lengths = [1, 2, 37, 63, 64, 65, 197];
    private static readonly int[] ValueDimensions = [1, 8, 17, 64, 72];
    private static readonly (int Batch, int Heads, int KeyHeads)[] Heads = [(1, 1, 1), (2, 3, 3), (1, 4, 2), (2, 4, 1)];
    private static readonly InputKind[] Kinds = [InputKind.Gaussian, InputKind.EqualRows, InputKind.Zeros, InputKind.Denormals, InputKind.Clustered, InputKind.SignedZeros, InputKind.Offset, InputKind.Mixed];
    private static readonly MaskParts[] Masks =
    [
        MaskParts.None, MaskParts.Causal, MaskParts.QueryLengths, MaskParts.KeyLengths, MaskParts.Pairs, MaskParts.PairsPerHead, MaskParts.Blocks,
        MaskParts.Causal | MaskParts.QueryLengths | MaskParts.KeyLengths, MaskParts.KeyLengths | MaskParts.PairsPerHead | MaskParts.BlocksPerHead,
    ];

    private static readonly float?[] Scales = [null, -0.3f, 2f, 0f];

    /// <summary>Cases in which every two values of two parameters meet.</summary>
    public static IReadOnlyList<AttentionCase> All { get; } = Select();

    /// <summary>The case's options.</summary>
    public static EightBitAttentionOptions Options(AttentionCase c, string? kernel = null, int? threads = null)
    {
        AttentionOptions exact = c.ExactOptions(threads: threads);
        return new EightBitAttentionOptions { LogitScale = exact.LogitScale, Layout = exact.Layout, Bias = exact.Bias, Mask = exact.Mask, MaxDegreeOfParallelism = threads, Kernel = kernel, Quantization = c.Quantization };
    }

    /// <summary>The operands of a case as the reference takes them.</summary>
    public static ReferenceInputs Inputs(AttentionCase c, Operands operands) =>
        ReferenceInputs.Create(SpecificationBuilder.BuildEightBit(c.Shape, Options(c with { Layout = TensorLayout.HeadTokenDimension })), operands.Query, operands.Key, operands.Value);

    public static AttentionResult Run(AttentionCase c, string? kernel, int? threads = null) => Run(c, c.MakeOperands(), kernel, threads);

    /// <summary>Runs a case; skips the test where the named kernel cannot run.</summary>
    public static AttentionResult Run(AttentionCase c, Operands operands, string? kernel, int? threads = null)
    {
        if (kernel is not null)
        {
            Contract.ContractCases.RequireUsable(kernel);
        }

        return CaseRunner.Run(c, operands, Options(c, kernel, threads), isBinary: false);
    }

    private static AttentionCase[] Select()
    {
        BiasForm[] biases = Enum.GetValues<BiasForm>();
        List<AttentionCase> cases = [];
        foreach (int[] row in Pairwise.Select(11, HeadDimensions.Length, Lengths.Length, Lengths.Length, ValueDimensions.Length, Heads.Length, Kinds.Length, Masks.Length, Scales.Length, biases.Length, 2, 2, 2))
        {
            (int batch, int heads, int keyHeads) = Heads[row[4]];
            bool isRelative = CaseBiases.IsRelative(biases[row[8]]);
            int keys = isRelative ? Math.Clamp(Lengths[row[1]], 2, 65) : Lengths[row[1]];
            cases.Add(new AttentionCase
            {
                Batch = batch, Heads = heads, KeyHeads = keyHeads, HeadDimension = HeadDimensions[row[0]], Keys = keys, Queries = isRelative ? keys : Lengths[row[2]], ValueDimension = ValueDimensions[row[3]],
                Inputs = Kinds[row[5]], Mask = Masks[row[6]], LogitScale = Scales[row[7]], Bias = biases[row[8]], Quantization = row[9] == 0 ? ValueQuantization.Tiled : ValueQuantization.Full,
                Layout = row[10] == 0 ? TensorLayout.HeadTokenDimension : TensorLayout.TokenHeadDimension, TokenGap = row[11] * 3,
            });
        }

        // Several chunks of keys.
        cases.Add(new AttentionCase { Queries = 7, Keys = 4500, HeadDimension = 64, ValueDimension = 9 });
        cases.Add(new AttentionCase { Queries = 66, Keys = 2200, HeadDimension = 24, ValueDimension = 8, Mask = MaskParts.Causal | MaskParts.Blocks, Quantization = ValueQuantization.Full });
        return [.. cases];
    }
}
