// Cuts images into square patches and projects each to a token: a convolution whose stride is its kernel, done as one product over unfolded patches.
//
//   patch (py, px), input (c, y, x)  =  image[c, py * size + y, px * size + x]      the order of a convolution weight [outputs, channels, size, size]
//
// Some models normalise the unfolded patch before the projection and the token after it, before the position is added. Patches are independent: callers pass blocks of them.
using System.Numerics.Tensors;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class PatchEmbedding(Linear projection, int channels, int patchSize, LayerNorm? patchNorm = null, LayerNorm? tokenNorm = null)
{
    /// <summary>Values of one unfolded patch.</summary>
    public int PatchLength => channels * patchSize * patchSize;

    /// <summary>Values of room that one patch needs: unfolded and, if tokens are normalised before they are added, projected.</summary>
    public int RoomLength => PatchLength + (tokenNorm is null ? 0 : projection.Outputs);

    /// <summary>Projects some patches of one image.</summary>
    /// <param name="image"><c>[channels, height, width]</c>; both sides whole numbers of patches.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <param name="first">First patch, counted row by row.</param>
    /// <param name="count">Patches.</param>
    /// <param name="room"><see cref="RoomLength"/> values for each of these patches.</param>
    /// <param name="tokens"><c>[count, outputs]</c>, added to: it holds the position embedding.</param>
    public void Forward(float* image, int height, int width, int first, int count, float* room, float* tokens)
    {
        float* patch = room;
        for (int i = first; i < first + count; i++)
        {
            int gridWidth = width / patchSize;
            float* corner = image + ((nint)(i / gridWidth) * patchSize * width) + (i % gridWidth * patchSize);
            for (int channel = 0; channel < channels; channel++)
            {
                for (int y = 0; y < patchSize; y++)
                {
                    float* source = corner + ((((nint)channel * height) + y) * width);
                    new ReadOnlySpan<float>(source, patchSize).CopyTo(new Span<float>(patch, patchSize));
                    patch += patchSize;
                }
            }
        }

        patchNorm?.Forward(room, room, count);
        if (tokenNorm is null)
        {
            projection.Forward(room, tokens, count, MatrixEpilogue.Add);
            return;
        }

        projection.Forward(room, patch, count);
        tokenNorm.Forward(patch, patch, count);
        var sums = new Span<float>(tokens, count * projection.Outputs);
        TensorPrimitives.Add(sums, new ReadOnlySpan<float>(patch, sums.Length), sums);
    }
}
