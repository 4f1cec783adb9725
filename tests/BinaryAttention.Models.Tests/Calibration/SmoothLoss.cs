// The loss of a head's codes with tanh in the place of the sign, in double and straight from the formulas: what the hand-derived gradient must be the gradient of. Where
// keys are not weighted, their mean magnitudes inside tanh are held fixed, as the gradient holds them.
using BinaryAttention.Models.Calibration;

namespace BinaryAttention.Models.Tests.Calibration;

internal sealed class SmoothLoss(HeadActivations head, float[] rowWeights)
{
    public double Of(HeadCode code, int image, double[]? fixedKeyMeans = null) => Of(code, image, code.Temperature, fixedKeyMeans);

    public double Of(HeadCode code, int image, double temperature, double[]? fixedKeyMeans)
    {
        int n = head.TokenCount;
        double[][] a = Map(head.QuerySource(code, image, out int queryStride), queryStride, code.QueryWeight, code.QueryBias, code.QueryInputs, code.Pitch, code.CodeLength);
        double[][] b = Map(head.KeySource(code, image, out int keyStride), keyStride, code.KeyWeight, code.KeyBias, code.KeyInputs, code.Pitch, code.CodeLength);
        double[][] f = Map(head.QuerySource(code, image, out _), queryStride, code.QueryFactor, code.QueryFactorBias, code.QueryInputs, code.RankPitch, code.Rank);
        double[][] g = Map(head.KeySource(code, image, out _), keyStride, code.KeyFactor, code.KeyFactorBias, code.KeyInputs, code.RankPitch, code.Rank);
        ReadOnlySpan<float> keys = head.KeySource(code, image, out _);
        var bias = new double[n];
        for (int j = 0; j < n; j++)
        {
            bias[j] = code.BiasOffset;
            for (int i = 0; i < code.KeyInputs; i++)
            {
                bias[j] += (double)keys[(j * keyStride) + i] * code.BiasWeight[i];
            }
        }

        double[][] s = [.. a.Select(row => Encode(row, Mean(row), Mean(row)))];
        double[][] t = [.. b.Select((row, j) => Encode(row, fixedKeyMeans is null ? Mean(row) : fixedKeyMeans[j], code.WeightsKeys ? Mean(row) : 1))];
        double sum = 0, total = 0;
        for (int i = 0; i < rowWeights.Length; i++)
        {
            double[] exact = [.. Enumerable.Range(0, n).Select(j => head.LogitScale * Dot(Token(head.Query(image), i), Token(head.Key(image), j)))];
            double[] coded = [.. Enumerable.Range(0, n).Select(j => (head.LogitScale * ((temperature * Dot(s[i], t[j])) + Dot(f[i], g[j]))) + bias[j])];
            double exactNorm = LogSumExp(exact), codedNorm = LogSumExp(coded);
            sum += rowWeights[i] * Enumerable.Range(0, n).Sum(j => Math.Exp(exact[j] - exactNorm) * (exact[j] - exactNorm - coded[j] + codedNorm));
            total += rowWeights[i];
        }

        return sum / total;
    }

    public double[] KeyMeans(HeadCode code, int image) =>
        [.. Map(head.KeySource(code, image, out int stride), stride, code.KeyWeight, code.KeyBias, code.KeyInputs, code.Pitch, code.CodeLength).Select(Mean)];

    private double[] Token(ReadOnlySpan<float> tokens, int index)
    {
        var token = new double[head.Dimension];
        for (int i = 0; i < token.Length; i++)
        {
            token[i] = tokens[(index * head.Stride) + i];
        }

        return token;
    }

    private double[][] Map(ReadOnlySpan<float> source, int stride, float[] weight, float[] bias, int inputs, int pitch, int columns)
    {
        var result = new double[head.TokenCount][];
        for (int token = 0; token < result.Length; token++)
        {
            result[token] = new double[columns];
            for (int column = 0; column < columns; column++)
            {
                double sum = bias[column];
                for (int i = 0; i < inputs; i++)
                {
                    sum += (double)source[(token * stride) + i] * weight[(i * pitch) + column];
                }

                result[token][column] = sum;
            }
        }

        return result;
    }

    private static double[] Encode(double[] code, double mean, double weight) => [.. code.Select(value => weight * Math.Tanh(value / mean))];

    private static double Mean(double[] code) => code.Average(Math.Abs);

    private static double Dot(double[] left, double[] right) => left.Zip(right, static (x, y) => x * y).Sum();

    private static double LogSumExp(double[] logits) => logits.Max() + Math.Log(logits.Sum(logit => Math.Exp(logit - logits.Max())));
}
