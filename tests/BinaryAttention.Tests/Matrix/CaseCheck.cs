// One random case against the reference: the same bits in table mode, the bounds of log mode and of float arithmetic elsewhere; a refusal where, and only where, the list of refused combinations says so.
using BinaryAttention.Reference;
using BinaryAttention.Tests.Contract;
using TestKit.Attention;

namespace BinaryAttention.Tests.Matrix;

internal static class CaseCheck
{
    /// <summary>Null if the kernel does what it must, else what it does instead.</summary>
    public static string? Violation(AttentionCase c, string kernel)
    {
        // Threads and plans take turns; neither may change a bit.
        int threads = 1 + ((c.Keys + c.HeadDimension) % 3);
        bool isPlanned = (c.Queries + c.ValueDimension) % 4 == 0;
        int refusal = RefusedCombinations.IndexOf(c);
        AttentionResult actual;
        Operands operands;
        try
        {
            AttentionOptions options = !c.IsExact || RefusedCombinations.HasOneBitOptions(c) ? c.BinaryOptions(kernel, threads) : c.ExactOptions(kernel, threads);
            operands = c.MakeOperands();
            actual = isPlanned && refusal < 0 ? CaseRunner.Plan(c, operands, options) : CaseRunner.Run(c, operands, options, !c.IsExact);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return refusal >= 0 && RefusedCombinations.IsExplained(c, exception) ? null : $"unexpected refusal: {exception.Message}";
        }
#pragma warning disable CA1031 // a failure of any kind is a finding; cases are shrunk, not debugged here
        catch (Exception exception)
        {
            return exception.ToString();
        }
#pragma warning restore CA1031

        return refusal >= 0 ? $"refused combination {refusal} was not refused" : Compare(c, operands, actual);
    }

    private static string? Compare(AttentionCase c, Operands operands, AttentionResult actual)
    {
        if (c.IsExact)
        {
            AttentionResult expected = CaseRunner.Exact(c, operands, ContractCases.Reference, threads: 1);
            return LogModeBound.FloatViolation(PreparedInputs.Create(c, operands, isBinary: false), expected, actual, LargestMagnitude(operands.Value));
        }

        AttentionResult ideal = CaseRunner.Binary(c, operands, ContractCases.Reference, threads: 1);
        if (!ContractCases.IsLogMode(c) && c.Quantization != ValueQuantization.Full)
        {
            return Difference(ideal, actual);
        }

        ReferenceInputs inputs = PreparedInputs.Create(c, operands, isBinary: true);
        return c.Quantization switch
        {
            ValueQuantization.Full => LogModeBound.FloatViolation(inputs, ideal, actual, LargestMagnitude(operands.Value)),
            ValueQuantization.TrainingParity => LogModeBound.TrainingParityViolation(inputs, ideal, actual),
            _ => LogModeBound.SampledTiledViolation(inputs, CaseRunner.Binary(c with { Quantization = ValueQuantization.Full }, operands, ContractCases.Reference, threads: 1), ideal, actual),
        };
    }

    private static string? Difference(AttentionResult expected, AttentionResult actual)
    {
        try
        {
            Contract.Bits.Equal(expected, actual);
            return null;
        }
        catch (Xunit.Sdk.XunitException failure)
        {
            return failure.Message;
        }
    }

    private static float LargestMagnitude(float[] values) => values.Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty(0).Max();
}
