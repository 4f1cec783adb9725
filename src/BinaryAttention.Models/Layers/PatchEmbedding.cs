// Cuts images into square patches and projects each to a token: a convolution whose stride is its kernel, done as one product over unfolded patches.
//
//   patch (py, px), input (c, y, x)  =  image[c, py * size + y, px * size + x]      the order of a convolution weight [outputs, channels, size, size]
//
// Some models normalise the unfolded patch before the projection and the token after it, before the position is added.
using System.Numerics.Tensors;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed class PatchEmbedding(Linear projection, int channels, int patchSize, LayerNorm? patchNorm = null, LayerNorm? tokenNorm = null)
{
    /// <summary>Values of one unfolded patch.</summary>
    public int PatchLength => channels * patchSize * patchSize;

    /// <summary>Projects the patches of one image.</summary>
    /// <param name="image"><c>[channels, height, width]</c>; both sides whole numbers of patches.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <param name="patches">Room for the unfolded image, as many values as the image.</param>
    /// <param name="projected">Room for the projected patches of a model that normalises them, as many values as <paramref name="tokens"/>.</param>
    /// <param name="tokens"><c>[patches, outputs]</c>, added to: it holds the position embedding.</param>
    /// <param name="threads">Most threads, at least 1.</param>
    /// <param name="cancellationToken">Checked before the product.</param>
    public void Forward(ReadOnlySpan<float> image, int height, int width, Span<float> patches, Span<float> projected, Span<float> tokens, int threads, CancellationToken cancellationToken)
    {
        int gridHeight = height / patchSize, gridWidth = width / patchSize;
        int target = 0;
        for (int patchY = 0; patchY < gridHeight; patchY++)
        {
            for (int patchX = 0; patchX < gridWidth; patchX++)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    for (int y = 0; y < patchSize; y++)
                    {
                        int source = (((channel * height) + (patchY * patchSize) + y) * width) + (patchX * patchSize);
                        image.Slice(source, patchSize).CopyTo(patches[target..]);
                        target += patchSize;
                    }
                }
            }
        }

        int rows = gridHeight * gridWidth;
        patchNorm?.Forward(patches, patches, rows, threads, cancellationToken);
        if (tokenNorm is null)
        {
            projection.Forward(patches, tokens, rows, MatrixEpilogue.Add, threads, cancellationToken);
            return;
        }

        projection.Forward(patches, projected, rows, MatrixEpilogue.None, threads, cancellationToken);
        tokenNorm.Forward(projected, projected, rows, threads, cancellationToken);
        TensorPrimitives.Add(tokens[..(rows * projection.Outputs)], projected[..(rows * projection.Outputs)], tokens);
    }
}
