// The definitions of docs/fidelity.md in double precision with nested loops and whole matrices, heads before tokens, one query head per key head group.
using BinaryAttention.Models.Metrics;

namespace BinaryAttention.Models.Tests.Metrics;

internal sealed class PlainFidelity(AttentionShape shape, float[] query, float[] key, float[] value, float[]? keyBias = null)
{
    private readonly int _keyHeads = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount;

    /// <summary>The map of one (batch item, head): exact, or signs with per-head mean magnitudes.</summary>
    public double[,] Map(int batch, int head, bool isBinary)
    {
        int d = shape.HeadDimension, keyHead = (batch * _keyHeads) + (head / (shape.HeadCount / _keyHeads));
        float[] q = query[((((batch * shape.HeadCount) + head) * shape.QueryLength) * d)..][..(shape.QueryLength * d)];
        float[] k = key[(keyHead * shape.KeyLength * d)..][..(shape.KeyLength * d)];
        double weight = isBinary ? (double)(float)q.Average(static x => Math.Abs((double)x)) * (float)k.Average(static x => Math.Abs((double)x)) : 1;
        var map = new double[shape.QueryLength, shape.KeyLength];
        for (int i = 0; i < shape.QueryLength; i++)
        {
            double sum = 0;
            for (int j = 0; j < shape.KeyLength; j++)
            {
                double dot = 0;
                for (int c = 0; c < d; c++)
                {
                    double a = q[(i * d) + c], b = k[(j * d) + c];
                    dot += isBinary ? (a >= 0 ? 1 : -1) * (b >= 0 ? 1 : -1) : a * b;
                }

                map[i, j] = Math.Exp((weight * dot / Math.Sqrt(d)) + (keyBias?[j] ?? 0));
                sum += map[i, j];
            }

            for (int j = 0; j < shape.KeyLength; j++)
            {
                map[i, j] /= sum;
            }
        }

        return map;
    }

    /// <summary>The figures in float arithmetic: no 8-bit part.</summary>
    public HeadFidelity Of(int batch, int head, int specialRows)
    {
        double[,] exact = Map(batch, head, isBinary: false), binary = Map(batch, head, isBinary: true);
        (double divergence, double cosine, double error) = Rows(exact, binary, batch, head, shape.QueryLength);
        (double specialDivergence, double specialCosine, double specialError) = Rows(exact, binary, batch, head, specialRows);
        return new HeadFidelity(divergence, specialDivergence, cosine, specialCosine, error, specialError, error, 0);
    }

    private (double Divergence, double Cosine, double Error) Rows(double[,] exact, double[,] binary, int batch, int head, int rows)
    {
        int width = shape.ValueDimension, firstValue = ((batch * _keyHeads) + (head / (shape.HeadCount / _keyHeads))) * shape.KeyLength * width;
        double divergence = 0, cosine = 0, differences = 0, squares = 0;
        for (int i = 0; i < rows; i++)
        {
            double product = 0, exactSquares = 0, binarySquares = 0;
            for (int j = 0; j < shape.KeyLength; j++)
            {
                double p = exact[i, j], q = binary[i, j];
                divergence += p * Math.Log(p / q);
                product += p * q;
                exactSquares += p * p;
                binarySquares += q * q;
            }

            cosine += product / Math.Sqrt(exactSquares * binarySquares);
            for (int c = 0; c < width; c++)
            {
                double output = 0, difference = 0;
                for (int j = 0; j < shape.KeyLength; j++)
                {
                    output += exact[i, j] * value[firstValue + (j * width) + c];
                    difference += (binary[i, j] - exact[i, j]) * value[firstValue + (j * width) + c];
                }

                squares += output * output;
                differences += difference * difference;
            }
        }

        return (divergence / rows, cosine / rows, Math.Sqrt(differences / squares));
    }
}
