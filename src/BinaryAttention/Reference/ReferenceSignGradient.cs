// Backward through x_hat = weight * sign(x) for one head: the straight-through estimator for the sign, and the weight as the mean of |x|.
//   dx = d(x_hat) * weight * [-1 <= x <= 1]  +  d(weight) * sgn(x) / count,    d(weight) = sum d(x_hat) sign(x) over what the mean runs over
// sgn(0) = 0 in the derivative of |x|, while sign(0) = +1 in the forward pass. A learned weight lets nothing through to x.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal static class ReferenceSignGradient
{
    public static void Head(ReferenceOperand operand, int batch, int head, in SignSide side, float[] weights, int validTokens, double[] binarisedGradient, double[] gradient)
    {
        switch (side.Mode)
        {
            case SignWeightingMode.Learned:
                return;
            case SignWeightingMode.MeanMagnitudePerHead:
                AddMagnitude(operand, batch, head, 0, validTokens, side.SignOfZero, binarisedGradient, gradient);
                break;
            case SignWeightingMode.MeanMagnitudePerToken:
                for (int token = 0; token < validTokens; token++)
                {
                    AddMagnitude(operand, batch, head, token, 1, side.SignOfZero, binarisedGradient, gradient);
                }

                break;
            default:
                break; // None: the weight is a constant
        }

        for (int token = 0; token < validTokens; token++)
        {
            ReadOnlySpan<float> channels = operand.Token(batch, head, token);
            int offset = operand.Offset(batch, head, token);
            for (int channel = 0; channel < channels.Length; channel++)
            {
                if (ReferenceSigns.PassesGradient(channels[channel]))
                {
                    gradient[offset + channel] += binarisedGradient[offset + channel] * weights[token];
                }
            }
        }
    }

    // The share of the mean magnitude over some tokens and all their channels.
    private static void AddMagnitude(ReferenceOperand operand, int batch, int head, int firstToken, int tokenCount, SignOfZero signOfZero, double[] binarisedGradient, double[] gradient)
    {
        double weightGradient = 0;
        for (int token = firstToken; token < firstToken + tokenCount; token++)
        {
            ReadOnlySpan<float> channels = operand.Token(batch, head, token);
            int offset = operand.Offset(batch, head, token);
            for (int channel = 0; channel < channels.Length; channel++)
            {
                weightGradient += binarisedGradient[offset + channel] * ReferenceSigns.Of(channels[channel], signOfZero);
            }
        }

        double share = weightGradient / ((double)tokenCount * operand.Dimension);
        for (int token = firstToken; token < firstToken + tokenCount; token++)
        {
            ReadOnlySpan<float> channels = operand.Token(batch, head, token);
            int offset = operand.Offset(batch, head, token);
            for (int channel = 0; channel < channels.Length; channel++)
            {
                gradient[offset + channel] += share * MagnitudeSlope(channels[channel]);
            }
        }
    }

    private static double MagnitudeSlope(float x) => x switch
    {
        > 0 => 1,
        < 0 => -1,
        _ => 0,
    };
}
