// The layers of a vision transformer forward and backward, in double and plain loops: the oracle for gradients. Gradients of weights are added to.
using TestKit.Numerics;

namespace GoldenVectors;

internal static class LayerReference
{
    /// <summary><c>y = x W^T + b</c>.</summary>
    public static double[] Linear(double[] x, double[] weight, double[] bias, int inputs)
    {
        int rows = x.Length / inputs, outputs = weight.Length / inputs;
        var y = new double[rows * outputs];
        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < outputs; output++)
            {
                double sum = bias[output];
                for (int k = 0; k < inputs; k++)
                {
                    sum += x[(row * inputs) + k] * weight[(output * inputs) + k];
                }

                y[(row * outputs) + output] = sum;
            }
        }

        return y;
    }

    /// <summary><c>dx = dy W</c>, <c>dW += dy^T x</c>, <c>db += sum dy</c>.</summary>
    public static double[] LinearBackward(double[] x, double[] weight, double[] gradient, int inputs, double[] weightGradient, double[] biasGradient)
    {
        int rows = x.Length / inputs, outputs = weight.Length / inputs;
        var result = new double[x.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < outputs; output++)
            {
                double dy = gradient[(row * outputs) + output];
                biasGradient[output] += dy;
                for (int k = 0; k < inputs; k++)
                {
                    result[(row * inputs) + k] += dy * weight[(output * inputs) + k];
                    weightGradient[(output * inputs) + k] += dy * x[(row * inputs) + k];
                }
            }
        }

        return result;
    }

    /// <summary><c>y = (x - mean) / sqrt(variance + epsilon) * weight + bias</c> along rows.</summary>
    public static double[] LayerNorm(double[] x, double[] weight, double[] bias, double epsilon)
    {
        int width = weight.Length;
        var y = new double[x.Length];
        for (int first = 0; first < x.Length; first += width)
        {
            (double mean, double scale) = Moments(x.AsSpan(first, width), epsilon);
            for (int i = 0; i < width; i++)
            {
                y[first + i] = ((x[first + i] - mean) * scale * weight[i]) + bias[i];
            }
        }

        return y;
    }

    /// <summary>With n the normalised row and g = dy * weight: <c>dx = (g - mean g - n mean(g n)) / sqrt(variance + epsilon)</c>.</summary>
    public static double[] LayerNormBackward(double[] x, double[] weight, double[] gradient, double epsilon, double[] weightGradient, double[] biasGradient)
    {
        int width = weight.Length;
        var result = new double[x.Length];
        for (int first = 0; first < x.Length; first += width)
        {
            (double mean, double scale) = Moments(x.AsSpan(first, width), epsilon);
            double sum = 0, weighted = 0;
            for (int i = 0; i < width; i++)
            {
                double normalised = (x[first + i] - mean) * scale, g = gradient[first + i] * weight[i];
                sum += g;
                weighted += g * normalised;
                weightGradient[i] += gradient[first + i] * normalised;
                biasGradient[i] += gradient[first + i];
            }

            for (int i = 0; i < width; i++)
            {
                double normalised = (x[first + i] - mean) * scale;
                result[first + i] = scale * ((gradient[first + i] * weight[i]) - (sum / width) - (normalised * weighted / width));
            }
        }

        return result;
    }

    /// <summary><c>x Phi(x)</c>.</summary>
    public static double[] Gelu(double[] x) => Array.ConvertAll(x, static value => value * NormalDistribution.Below(value));

    /// <summary><c>dx = dy (Phi(x) + x phi(x))</c>.</summary>
    public static double[] GeluBackward(double[] x, double[] gradient)
    {
        var result = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            result[i] = gradient[i] * (NormalDistribution.Below(x[i]) + (x[i] * NormalDistribution.Density(x[i])));
        }

        return result;
    }

    public static double[] LogSoftmax(double[] logits, int classes)
    {
        var result = new double[logits.Length];
        for (int first = 0; first < logits.Length; first += classes)
        {
            double largest = logits.AsSpan(first, classes).ToArray().Max(), sum = 0;
            for (int i = 0; i < classes; i++)
            {
                sum += Math.Exp(logits[first + i] - largest);
            }

            for (int i = 0; i < classes; i++)
            {
                result[first + i] = logits[first + i] - largest - Math.Log(sum);
            }
        }

        return result;
    }

    /// <summary><c>dx = dy - softmax(x) sum dy</c>.</summary>
    public static double[] LogSoftmaxBackward(double[] output, double[] gradient, int classes)
    {
        var result = new double[output.Length];
        for (int first = 0; first < output.Length; first += classes)
        {
            double sum = 0;
            for (int i = 0; i < classes; i++)
            {
                sum += gradient[first + i];
            }

            for (int i = 0; i < classes; i++)
            {
                result[first + i] = gradient[first + i] - (Math.Exp(output[first + i]) * sum);
            }
        }

        return result;
    }

    /// <summary>Cross entropy, the mean over the batch, and its gradient with respect to the logits.</summary>
    public static (double Loss, double[] Gradient) CrossEntropy(double[] logits, int[] labels)
    {
        int classes = logits.Length / labels.Length;
        double[] logProbabilities = LogSoftmax(logits, classes);
        double[] gradient = Array.ConvertAll(logProbabilities, value => Math.Exp(value) / labels.Length);
        double loss = 0;
        for (int item = 0; item < labels.Length; item++)
        {
            loss -= logProbabilities[(item * classes) + labels[item]] / labels.Length;
            gradient[(item * classes) + labels[item]] -= 1.0 / labels.Length;
        }

        return (loss, gradient);
    }

    /// <summary>Patches of <c>[batch, channels, height, width]</c> as rows <c>[batch * patches, channels * size * size]</c>.</summary>
    public static double[] Unfold(double[] images, int channels, int height, int width, int size)
    {
        var patches = new double[images.Length];
        ForEachPatchValue(images.Length, channels, height, width, size, (patch, pixel) => patches[patch] = images[pixel]);
        return patches;
    }

    /// <summary>The inverse of <see cref="Unfold"/>.</summary>
    public static double[] Fold(double[] patches, int channels, int height, int width, int size)
    {
        var images = new double[patches.Length];
        ForEachPatchValue(patches.Length, channels, height, width, size, (patch, pixel) => images[pixel] = patches[patch]);
        return images;
    }

    private static void ForEachPatchValue(int length, int channels, int height, int width, int size, Action<int, int> visit)
    {
        int gridWidth = width / size, patches = height / size * gridWidth, imageLength = channels * height * width;
        for (int pixel = 0; pixel < length; pixel++)
        {
            int item = pixel / imageLength, channel = pixel % imageLength / (height * width), y = pixel / width % height, x = pixel % width;
            int patch = (item * patches) + (y / size * gridWidth) + (x / size);
            visit((((((patch * channels) + channel) * size) + (y % size)) * size) + (x % size), pixel);
        }
    }

    private static (double Mean, double Scale) Moments(ReadOnlySpan<double> row, double epsilon)
    {
        double mean = 0, variance = 0;
        foreach (double value in row)
        {
            mean += value / row.Length;
        }

        foreach (double value in row)
        {
            variance += (value - mean) * (value - mean) / row.Length;
        }

        return (mean, 1 / Math.Sqrt(variance + epsilon));
    }
}
