// Initial values as timm gives them to DeiT: weights of linear layers, tokens, positions and relative tables normal with deviation 0.02, cut at +-2; the patch projection as PyTorch's convolutions,
// uniform within 1 / sqrt(fan in), weights and bias; norms 1 and 0; other biases 0. Every parameter draws from its own name, so that adding one changes no other.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Networks;

internal static class Initialization
{
    private const double Deviation = 0.02;
    private const double Cut = 2;

    public static void Fill(Parameter parameter, Randomness randomness, int patchInputs)
    {
        RandomStream random = randomness.Stream("initial " + parameter.Name);
        Span<float> values = parameter.Values;
        bool isNorm = parameter.Name.Contains("norm", StringComparison.Ordinal);
        if (parameter.Name.StartsWith(CheckpointNames.PatchProjection, StringComparison.Ordinal))
        {
            double bound = 1 / Math.Sqrt(patchInputs);
            foreach (ref float value in values)
            {
                value = (float)random.NextDouble(-bound, bound);
            }
        }
        else if (isNorm || parameter.Name.EndsWith("bias", StringComparison.Ordinal) || parameter.Name.EndsWith("temperature", StringComparison.Ordinal))
        {
            values.Fill(parameter.Name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1);
        }
        else
        {
            foreach (ref float value in values)
            {
                value = (float)TruncatedNormal(ref random);
            }
        }
    }

    private static double TruncatedNormal(ref RandomStream random)
    {
        double value;
        do
        {
            value = Deviation * random.NextNormal();
        }
        while (Math.Abs(value) > Cut);

        return value;
    }
}
