// From the gradients of weight * sign(x) to those of x, in place, for the tokens of one head (ReferenceSignGradient):
//   dx = d(x_hat) * weight * [-1 <= x <= 1]  +  d(weight) * sgn(x) / count,    d(weight) = sum d(x_hat) sign(x) over what the mean runs over
// sgn(0) = 0 while sign(0) is +1 or, by option, -1. A learned weight takes its gradient and lets nothing through to x. Sums over a token are float32, over tokens double.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.Backward;

internal static unsafe class SignGradient
{
    private const int Lanes = 8;

    /// <summary>Finishes one head.</summary>
    /// <param name="operand">Queries or keys.</param>
    /// <param name="gradient">Gradients of the binarised operand in, of the operand out.</param>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head of the operand.</param>
    /// <param name="tokens">Valid tokens.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="side">How the operand is binarised.</param>
    /// <param name="weights">One weight per token.</param>
    /// <param name="weightGradient">Receives the gradients of learned weights, one per token, or null.</param>
    public static void Finish(TokenView operand, TokenView gradient, int batch, int head, int tokens, int dimension, in SignSide side, float* weights, float* weightGradient)
    {
        double headSum = 0;
        for (int token = 0; token < tokens && side.Mode == SignWeightingMode.MeanMagnitudePerHead; token++)
        {
            headSum += SignSum(operand.Token(batch, head, token), gradient.Token(batch, head, token), dimension, side.Threshold);
        }

        double headShare = headSum / ((double)tokens * dimension);
        for (int token = 0; token < tokens; token++)
        {
            float* x = operand.Token(batch, head, token);
            float* derivative = gradient.Token(batch, head, token);
            switch (side.Mode)
            {
                case SignWeightingMode.MeanMagnitudePerHead:
                    Pass(x, derivative, dimension, weights[token], (float)headShare);
                    break;
                case SignWeightingMode.MeanMagnitudePerToken:
                    Pass(x, derivative, dimension, weights[token], SignSum(x, derivative, dimension, side.Threshold) / dimension);
                    break;
                case SignWeightingMode.Learned:
                    if (weightGradient is not null)
                    {
                        weightGradient[token] = SignSum(x, derivative, dimension, side.Threshold);
                    }

                    new Span<float>(derivative, dimension).Clear();
                    break;
                default:
                    Pass(x, derivative, dimension, weights[token], 0);
                    break;
            }
        }
    }

    // sum of gradient * sign(x)
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SignSum(float* x, float* gradient, int dimension, float threshold)
    {
        Vector256<float> sums = Vector256<float>.Zero;
        Vector256<float> smallest = Vector256.Create(threshold);
        int channel = 0;
        for (; channel + Lanes <= dimension; channel += Lanes)
        {
            Vector256<float> value = Vector256.Load(gradient + channel);
            sums += Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(Vector256.Load(x + channel), smallest), value, -value);
        }

        float sum = Vector256.Sum(sums);
        for (; channel < dimension; channel++)
        {
            sum += x[channel] >= threshold ? gradient[channel] : -gradient[channel];
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pass(float* x, float* gradient, int dimension, float weight, float share)
    {
        int channel = 0;
        for (; channel + Lanes <= dimension; channel += Lanes)
        {
            Vector256<float> value = Vector256.Load(x + channel);
            Vector256<float> through = Vector256.LessThanOrEqual(Vector256.Abs(value), Vector256<float>.One) & (Vector256.Load(gradient + channel) * weight);
            Vector256<float> slope = (Vector256.GreaterThan(value, Vector256<float>.Zero) & Vector256.Create(share)) - (Vector256.LessThan(value, Vector256<float>.Zero) & Vector256.Create(share));
            (through + slope).Store(gradient + channel);
        }

        for (; channel < dimension; channel++)
        {
            float through = MathF.Abs(x[channel]) <= 1 ? gradient[channel] * weight : 0;
            gradient[channel] = through + (MathF.Sign(x[channel]) * share);
        }
    }
}
