// y = x W^T + b and its gradients in double, W [outputs, inputs] as the checkpoints hold it.
namespace GoldenVectors.Checkers.Attention;

internal static class DenseLinear
{
    public static double[] Apply(double[] x, double[] weight, double[]? bias, int inputs, int outputs)
    {
        int rows = x.Length / inputs;
        var y = new double[rows * outputs];
        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < outputs; output++)
            {
                double sum = bias?[output] ?? 0;
                for (int input = 0; input < inputs; input++)
                {
                    sum += x[(row * inputs) + input] * weight[(output * inputs) + input];
                }

                y[(row * outputs) + output] = sum;
            }
        }

        return y;
    }

    public static double[] InputGradient(double[] outputGradient, double[] weight, int inputs, int outputs)
    {
        int rows = outputGradient.Length / outputs;
        var gradient = new double[rows * inputs];
        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < outputs; output++)
            {
                for (int input = 0; input < inputs; input++)
                {
                    gradient[(row * inputs) + input] += outputGradient[(row * outputs) + output] * weight[(output * inputs) + input];
                }
            }
        }

        return gradient;
    }

    public static double[] WeightGradient(double[] x, double[] outputGradient, int inputs, int outputs)
    {
        int rows = x.Length / inputs;
        var gradient = new double[outputs * inputs];
        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < outputs; output++)
            {
                for (int input = 0; input < inputs; input++)
                {
                    gradient[(output * inputs) + input] += outputGradient[(row * outputs) + output] * x[(row * inputs) + input];
                }
            }
        }

        return gradient;
    }

    public static double[] BiasGradient(double[] outputGradient, int outputs)
    {
        var gradient = new double[outputs];
        for (int i = 0; i < outputGradient.Length; i++)
        {
            gradient[i % outputs] += outputGradient[i];
        }

        return gradient;
    }
}
