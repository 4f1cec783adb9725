// The vector exponential at every width against double precision.
using System.Runtime.Intrinsics;
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Simd;
using Xunit;

namespace BinaryAttention.Tests.Simd;

public sealed class FloatExponentialTests(ITestOutputHelper output)
{
    // Units in the last place against the exact value. Measured: 1.22 at every width (with fused multiply-add).
    private const double AllowedUlps = 1.5;

    public static TheoryData<int> Widths() => [128, 256, 512];

    [Theory]
    [MemberData(nameof(Widths))]
    public void RelativeError_IsAtMostOneAndAHalfUlps(int width)
    {
        Require(width);
        float[] inputs = Grid();
        float[] results = Exp(width, inputs);
        double worst = 0;
        float worstInput = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            double expected = Math.Exp(inputs[i]);
            double ulps = Math.Abs(results[i] - expected) / (MathF.BitIncrement((float)expected) - (double)(float)expected);
            if (ulps > worst)
            {
                (worst, worstInput) = (ulps, inputs[i]);
            }
        }

        output.WriteLine($"{width}-bit: largest error {worst:F3} ulp at {worstInput:R}, {inputs.Length} points");
        Assert.True(worst <= AllowedUlps, $"{worst:F3} ulp at {worstInput:R}");
    }

    // Two neighbours may swap by their rounding errors, no more.
    [Theory]
    [MemberData(nameof(Widths))]
    public void Decreases_ByNoMoreThanItsRoundingErrors(int width)
    {
        Require(width);
        float[] inputs = Grid();
        float[] results = Exp(width, inputs);
        for (int i = 1; i < inputs.Length; i++)
        {
            Assert.True(results[i] <= results[i - 1] * (1 + (2 * AllowedUlps * Math.Pow(2, -23))), $"exp({inputs[i]:R}) = {results[i]:R} exceeds exp({inputs[i - 1]:R}) = {results[i - 1]:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void SpecialInputs_GiveTheirLimits(int width)
    {
        Require(width);
        float[] inputs = [0f, -0f, float.NegativeInfinity, float.NaN, -88f, -1000f, float.MinValue, -float.Epsilon, 0, 0, 0, 0, 0, 0, 0, 0];
        float[] results = Exp(width, inputs);
        Assert.Equal([1f, 1f, 0f, float.NaN, 0f, 0f, 0f, 1f], results[..8]);
    }

    private static void Require(int width) => Assert.SkipUnless(
        width switch { 512 => CpuFeatures.Current is { Vector512: true, Avx512BW: true }, 256 => CpuFeatures.Current.Avx2, _ => CpuFeatures.Current.Vector128 }, $"{width}-bit lanes are not supported here");

    // From 0 down to -87, denser near 0, and the neighbourhoods of the halves of ln 2 where the reduction changes its integer.
    private static float[] Grid()
    {
        List<float> points = [];
        for (int i = 0; i <= 60_000; i++)
        {
            points.Add(-87f * i / 60_000f);
            points.Add(-i * i * (1f / (60_000f * 60_000f)));
        }

        for (int n = 0; n < 125; n++)
        {
            float middle = (float)(-(n + 0.5) * Math.Log(2));
            points.AddRange([MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle)]);
        }

        points.Sort((left, right) => right.CompareTo(left));
        while (points.Count % 16 != 0)
        {
            points.Add(-87f);
        }

        return [.. points];
    }

    private static float[] Exp(int width, float[] inputs) => width switch
    {
        512 => Exp<Vector512<float>, FloatLanes512>(inputs),
        256 => Exp<Vector256<float>, FloatLanes256>(inputs),
        _ => Exp<Vector128<float>, FloatLanes128>(inputs),
    };

    private static unsafe float[] Exp<TVector, TLanes>(float[] inputs)
        where TVector : struct
        where TLanes : struct, IFloatLanes<TVector>
    {
        var results = new float[inputs.Length];
        fixed (float* source = inputs, destination = results)
        {
            for (int i = 0; i < inputs.Length; i += TLanes.Count)
            {
                TLanes.Store(FloatExponential<TVector, TLanes>.Exp(TLanes.Load(source + i)), destination + i);
            }
        }

        return results;
    }
}
