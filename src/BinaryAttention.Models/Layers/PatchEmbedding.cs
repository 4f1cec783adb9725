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

    /// <summary>Values of room that one patch needs: unfolded and, if tokens are normalised before they are added, projected.</summary>
    public int RoomLength => PatchLength + (tokenNorm is null ? 0 : projection.Outputs);

    /// <summary>Projects the patches of one image.</summary>
    /// <param name="image"><c>[channels, height, width]</c>; both sides whole numbers of patches.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <param name="patches">Room of <see cref="RoomLength"/> values for every patch.</param>
    /// <param name="tokens"><c>[patches, outputs]</c>, added to: it holds the position embedding.</param>
    /// <param name="threads">Most threads, at least 1.</param>
    /// <param name="cancellationToken">Checked before the product.</param>
    public void Forward(ReadOnlySpan<float> image, int height, int width, Span<float> patches, Span<float> tokens, int threads, CancellationToken cancellationToken)
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

        Span<float> projected = patches.Slice(rows * PatchLength, rows * projection.Outputs);
        projection.Forward(patches, projected, rows, MatrixEpilogue.None, threads, cancellationToken);
        tokenNorm.Forward(projected, projected, rows, threads, cancellationToken);
        TensorPrimitives.Add(tokens[..projected.Length], projected, tokens);
    }
}
