// The calibrations of cases, made from a seed: centres of about the size of the operands, rotations as products of plane rotations, temperatures of both signs.
using BinaryAttention;

namespace TestKit.Attention;

/// <summary>Makes calibrations.</summary>
public static class CaseCalibration
{
    private static readonly float[] Temperatures = [1.3f, 0.5f, -0.8f, 1f, 0f];

    /// <summary>The calibration of a case, or null for none.</summary>
    public static AttentionCalibration? Make(AttentionCase attentionCase, int seed)
    {
        CalibrationParts parts = attentionCase.Calibration;
        AttentionCase c = attentionCase;
        return parts == CalibrationParts.None ? null : new AttentionCalibration
        {
            QueryCentre = parts.HasFlag(CalibrationParts.QueryCentre) ? Inputs.Gaussian(seed, c.Heads * c.HeadDimension, 0.5f) : default(ReadOnlyMemory<float>),
            KeyCentre = parts.HasFlag(CalibrationParts.KeyCentre) ? Inputs.Gaussian(seed + 1, c.KeyHeads * c.HeadDimension, 0.5f) : default(ReadOnlyMemory<float>),
            Rotation = parts.HasFlag(CalibrationParts.Rotation) ? Rotations(c.KeyHeads, c.HeadDimension, new Random(seed + 2)) : default(ReadOnlyMemory<float>),
            Temperature = parts.HasFlag(CalibrationParts.Temperature) ? Enumerable.Range(seed % Temperatures.Length, c.Heads).Select(i => Temperatures[i % Temperatures.Length]).ToArray() : default(ReadOnlyMemory<float>),
        };
    }

    private static float[] Rotations(int heads, int dimension, Random random)
    {
        var rotations = new float[heads * dimension * dimension];
        for (int head = 0; head < heads; head++)
        {
            var matrix = new double[dimension, dimension];
            for (int i = 0; i < dimension; i++)
            {
                matrix[i, i] = 1;
            }

            for (int turn = 0; turn < 2 * dimension && dimension > 1; turn++)
            {
                int first = random.Next(dimension);
                int second = (first + 1 + random.Next(dimension - 1)) % dimension;
                (double sine, double cosine) = Math.SinCos(2 * Math.PI * random.NextDouble());
                for (int column = 0; column < dimension; column++)
                {
                    (double a, double b) = (matrix[first, column], matrix[second, column]);
                    matrix[first, column] = (cosine * a) - (sine * b);
                    matrix[second, column] = (sine * a) + (cosine * b);
                }
            }

            for (int i = 0; i < dimension * dimension; i++)
            {
                rotations[(head * dimension * dimension) + i] = (float)matrix[i / dimension, i % dimension];
            }
        }

        return rotations;
    }
}
