// Run in children only, by GuardPageTests. Every case is written to the journal before it runs.
using System.Runtime.CompilerServices;
using BinaryAttention.Tests.Contract;
using TestKit;
using TestKit.Attention;
using Xunit;

namespace BinaryAttention.Tests.Processes.Children;

public sealed class GuardedAttentionTests
{
    /// <summary>Path of the journal.</summary>
    public const string JournalVariable = "BINARYATTENTION_TEST_JOURNAL";

    /// <summary>The guarded side, or <see cref="Overread"/> and the side.</summary>
    public const string ModeVariable = "BINARYATTENTION_TEST_GUARD";

    public const string Overread = "overread ";

    private const int ExactMode = 3;
    private const int ReferenceEvery = 5;

    private static readonly int[] HeadDimensions = [1, 7, 8, 31, 63, 64, 65, 111, 255, 300];
    private static readonly int[] KeyLengths = [1, 7, 17, 64, 65, 130];
    private static readonly int[] ValueDimensions = [1, 5, 8, 17, 33, 64];
    private static readonly int[] QueryLengths = [1, 5, 7, 25];
    private static readonly BiasForm[] Biases = [BiasForm.None, BiasForm.None, BiasForm.PerKeyFull, BiasForm.DenseFull, BiasForm.RelativeWithClass, BiasForm.LowRankFull];
    private static readonly WeightingForm[] Weightings = [WeightingForm.PerHead, WeightingForm.PerToken, WeightingForm.Learned];
    private static readonly CalibrationParts[] Calibrations = [CalibrationParts.None, CalibrationParts.All];
    private static readonly MaskParts[] Masks =
    [
        MaskParts.None, MaskParts.Causal | MaskParts.Pairs, MaskParts.PairsPerHead | MaskParts.BlocksPerHead, MaskParts.Blocks, MaskParts.KeyLengths | MaskParts.QueryLengths | MaskParts.PairsPerHead, MaskParts.KeyLengths,
    ];
    private static readonly int[] Gaps = [0, 3]; // between tokens; the last token ends the operand

    [Fact]
    public void Cases()
    {
        string? mode = Environment.GetEnvironmentVariable(ModeVariable);
        Assert.SkipWhen(mode is null, "run in a child process by GuardPageTests");
        using var journal = new StreamWriter(Environment.GetEnvironmentVariable(JournalVariable)!) { AutoFlush = true };
        if (mode!.StartsWith(Overread, StringComparison.Ordinal))
        {
            journal.WriteLine("about to read too far");
            ReadTooFar(Enum.Parse<GuardSide>(mode[Overread.Length..]));
            journal.WriteLine("read too far unharmed");
            return;
        }

        GuardSide side = Enum.Parse<GuardSide>(mode);
        int number = 0;
        foreach (int[] row in Pairwise.Select(9, HeadDimensions.Length, KeyLengths.Length, ValueDimensions.Length, QueryLengths.Length, Biases.Length, Weightings.Length, Gaps.Length, Masks.Length, Calibrations.Length))
        {
            BiasForm bias = Biases[row[4]];
            int keys = bias == BiasForm.RelativeWithClass ? Math.Max(2, KeyLengths[row[1]]) : KeyLengths[row[1]];
            var attentionCase = new AttentionCase
            {
                Batch = 2, Heads = 2, KeyHeads = 1, HeadDimension = HeadDimensions[row[0]], Keys = keys, ValueDimension = ValueDimensions[row[2]], Queries = bias == BiasForm.RelativeWithClass ? keys : QueryLengths[row[3]],
                Bias = bias, Weighting = Weightings[row[5]], Mask = Masks[row[7]], Calibration = Calibrations[row[8]],
                QueryPlanes = Weightings[row[5]] == WeightingForm.Learned ? 1 : 1 + (row[0] % 2), KeyPlanes = Weightings[row[5]] == WeightingForm.Learned ? 1 : 1 + (row[1] % 2),
            };

            // The reference copies its operands and reads the rest through spans: a sample of the cases does.
            number++;
            foreach (string kernel in AttentionKernels.All.Where(kernel => kernel.IsUsable && (kernel.Name != ContractCases.Reference || number % ReferenceEvery == 0)).Select(kernel => kernel.Name))
            {
                for (int quantization = 0; quantization <= ExactMode; quantization++)
                {
                    journal.WriteLine($"{kernel}, {(quantization == ExactMode ? "exact" : "one-bit")}, token gap {Gaps[row[6]]}: {attentionCase with { Quantization = (ValueQuantization)(quantization % ExactMode) }}");
                    Run(attentionCase with { Quantization = (ValueQuantization)(quantization % ExactMode) }, quantization == ExactMode, kernel, Gaps[row[6]], side);
                }
            }
        }

        journal.WriteLine("done");
    }

    private static void Run(AttentionCase c, bool exact, string kernel, int gap, GuardSide side)
    {
        Operands operands = c.MakeOperands();
        AttentionResult expected = exact ? CaseRunner.Exact(c, operands, kernel, threads: 1) : CaseRunner.Binary(c, operands, kernel, threads: 1);
        using GuardedMemory<float> query = Spread(operands.Query, c.HeadDimension, gap, side);
        using GuardedMemory<float> key = Spread(operands.Key, c.HeadDimension, gap, side);
        using GuardedMemory<float> value = Spread(operands.Value, c.ValueDimension, gap, side);
        using GuardedMemory<float> destination = new(expected.Output.Length, side);
        using GuardedMemory<float> logSumExp = new(expected.LogSumExp.Length, side);
        using var guarded = new GuardedOptions(side);
        AttentionShape shape = c.Shape with { QueryTokenStride = c.HeadDimension + gap, KeyTokenStride = c.HeadDimension + gap, ValueTokenStride = c.ValueDimension + gap };
        if (exact)
        {
            Attention.ScaledDotProduct(query.Span, key.Span, value.Span, destination.Span, shape, guarded.Guard(c.ExactOptions(kernel, 1)), logSumExp.Span);
        }
        else
        {
            Attention.BinaryScaledDotProduct(query.Span, key.Span, value.Span, destination.Span, shape, guarded.Guard(c.BinaryOptions(kernel, 1)), logSumExp.Span);
        }

        Contract.Bits.Equal(expected.Output, destination.Span, "output");
        if (!exact)
        {
            // Without log-sum-exp other code may run.
            Attention.BinaryScaledDotProduct(query.Span, key.Span, value.Span, destination.Span, shape, guarded.Guard(c.BinaryOptions(kernel, 1)));
            Contract.Bits.Equal(expected.Output, destination.Span, "output alone");
        }

        Contract.Bits.Equal(expected.LogSumExp, logSumExp.Span, "logSumExp");
    }

    // Tokens with NaN between them and none after the last.
    private static GuardedMemory<float> Spread(float[] tokens, int dimension, int gap, GuardSide side)
    {
        int count = tokens.Length / dimension;
        var memory = new GuardedMemory<float>((count * (dimension + gap)) - gap, side);
        memory.Span.Fill(float.NaN);
        for (int token = 0; token < count; token++)
        {
            tokens.AsSpan(token * dimension, dimension).CopyTo(memory.Span[(token * (dimension + gap))..]);
        }

        return memory;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static unsafe float ReadTooFar(GuardSide side)
    {
        using var memory = new GuardedMemory<float>(5, side);
        return side == GuardSide.After ? memory.Data[5] : memory.Data[-1];
    }
}
