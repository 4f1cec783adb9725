// Which product of signs a device has, and why it is not the first choice. The facts are those of the PTX ISA's notes on mma: and-popcount from sm_80, xor-popcount with m8n8k128 from sm_75;
// sm_100 and later are taken to have none, because no library enables one there.
using System.Globalization;

namespace BinaryAttention.Cuda.Kernels;

internal static class SignProductForms
{
    private const int FirstWithXor = 75;
    private const int FirstWithAnd = 80;
    private const int FirstWithoutBits = 100;

    /// <summary>The form for a device.</summary>
    /// <param name="computeCapability">80 for sm_80; at least 75.</param>
    public static SignProductForm Of(int computeCapability) => computeCapability switch
    {
        < FirstWithAnd => SignProductForm.XorPopcount,
        < FirstWithoutBits => SignProductForm.AndPopcount,
        _ => SignProductForm.SignedBytes,
    };

    /// <summary>Null if a device has a form, else why not.</summary>
    public static string? WhyNone(int computeCapability) => computeCapability < FirstWithXor
        ? $"compute capability {Text(computeCapability)} has no one-bit matrix product (7.5 or later has)"
        : null;

    /// <summary>The form in words, with the reason where it is not the native and-popcount.</summary>
    public static string Describe(int computeCapability) => Of(computeCapability) switch
    {
        SignProductForm.XorPopcount => $"one-bit xor-popcount in tiles of 8 x 8, plain copies: compute capability {Text(computeCapability)} has no and-popcount and no asynchronous copies (8.0 has)",
        SignProductForm.AndPopcount => "one-bit and-popcount",
        _ => $"8-bit products of signs: compute capability {Text(computeCapability)} has no one-bit matrix product",
    };

    private static string Text(int computeCapability) => string.Create(CultureInfo.InvariantCulture, $"{computeCapability / 10}.{computeCapability % 10}");
}
