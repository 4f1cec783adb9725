// Means and covariances of a head's queries or keys over images and tokens, in double.
namespace BinaryAttention.Models.Calibration;

internal sealed class HeadMoments
{
    private HeadMoments(double[] mean, double[] covariance) => (Mean, Covariance) = (mean, covariance);

    public double[] Mean { get; }

    /// <summary><c>[dimension, dimension]</c>, symmetric; empty unless asked for.</summary>
    public double[] Covariance { get; }

    /// <summary>Measures tokens.</summary>
    /// <param name="images">Images.</param>
    /// <param name="image">Gives the tokens of an image.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="stride">Floats from one token to the next.</param>
    /// <param name="dimension">Channels.</param>
    /// <param name="withCovariance">Whether the covariance is wanted.</param>
    public static HeadMoments Measure(int images, Func<int, ReadOnlySpan<float>> image, int tokenCount, int stride, int dimension, bool withCovariance)
    {
        var mean = new double[dimension];
        for (int i = 0; i < images; i++)
        {
            ReadOnlySpan<float> tokens = image(i);
            for (int token = 0; token < tokenCount; token++)
            {
                for (int channel = 0; channel < dimension; channel++)
                {
                    mean[channel] += tokens[(token * stride) + channel];
                }
            }
        }

        double count = (double)images * tokenCount;
        for (int channel = 0; channel < dimension; channel++)
        {
            mean[channel] /= count;
        }

        return new HeadMoments(mean, withCovariance ? Covariances(images, image, tokenCount, stride, mean) : []);
    }

    private static double[] Covariances(int images, Func<int, ReadOnlySpan<float>> image, int tokenCount, int stride, double[] mean)
    {
        int dimension = mean.Length, pitch = DenseProduct.Pitch(dimension);
        var sums = new double[dimension * dimension];
        var centred = new float[tokenCount * pitch];
        var products = new float[dimension * pitch];
        for (int i = 0; i < images; i++)
        {
            ReadOnlySpan<float> tokens = image(i);
            for (int token = 0; token < tokenCount; token++)
            {
                for (int channel = 0; channel < dimension; channel++)
                {
                    centred[(token * pitch) + channel] = (float)(tokens[(token * stride) + channel] - mean[channel]);
                }
            }

            DenseProduct.Multiply(centred, 1, pitch, centred, products, dimension, tokenCount, pitch);
            for (int entry = 0; entry < sums.Length; entry++)
            {
                sums[entry] += products[(entry / dimension * pitch) + (entry % dimension)];
            }
        }

        double count = (double)images * tokenCount;
        for (int entry = 0; entry < sums.Length; entry++)
        {
            sums[entry] /= count;
        }

        return sums;
    }
}
