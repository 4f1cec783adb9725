// A whole vision transformer in double, forward and backward: patches, class token, positions, blocks, the class token's norm and head, cross entropy.
using BinaryAttention;
using BinaryAttention.Models.Vision;

namespace GoldenVectors;

internal sealed class VitReferenceModel(VitReferenceParameters parameters, VisionTransformerConfiguration configuration, Func<int, AttentionOptions> attention)
{
    public double[] Logits { get; private set; } = [];

    public double Loss { get; private set; }

    /// <summary>Runs the model and fills the gradients of the mean cross entropy.</summary>
    public void Run(double[] images, int[] labels)
    {
        int batch = labels.Length, width = configuration.Width, tokens = configuration.TokenCount, patches = tokens - 1;
        int patchLength = configuration.ChannelCount * configuration.PatchSize * configuration.PatchSize;
        double[] unfolded = LayerReference.Unfold(images, configuration.ChannelCount, configuration.ImageHeight, configuration.ImageWidth, configuration.PatchSize);
        double[] embedded = parameters.Linear(CheckpointNames.PatchProjection, unfolded, patchLength);
        double[] classToken = parameters.Value(CheckpointNames.ClassToken), positions = parameters.Value(CheckpointNames.PositionEmbedding);
        var x = new double[batch * tokens * width];
        for (int i = 0; i < x.Length; i++)
        {
            int item = i / (tokens * width), token = i / width % tokens, channel = i % width;
            x[i] = (token == 0 ? classToken[channel] : embedded[(((item * patches) + token - 1) * width) + channel]) + positions[i % (tokens * width)];
        }

        VitReferenceBlock[] blocks = [.. Enumerable.Range(0, configuration.Depth).Select(block => new VitReferenceBlock(parameters, block, configuration, attention(block), batch))];
        foreach (VitReferenceBlock block in blocks)
        {
            x = block.Forward(x);
        }

        double[] classRows = FirstTokens(x, batch, tokens, width);
        double[] normalised = parameters.Norm(CheckpointNames.Norm, classRows, configuration.LayerNormEpsilon);
        Logits = parameters.Linear(CheckpointNames.Head, normalised, width);
        (Loss, double[] gradient) = LayerReference.CrossEntropy(Logits, labels);

        gradient = parameters.LinearBackward(CheckpointNames.Head, normalised, gradient, width);
        gradient = parameters.NormBackward(CheckpointNames.Norm, classRows, gradient, configuration.LayerNormEpsilon);
        var tokenGradient = new double[x.Length];
        for (int item = 0; item < batch; item++)
        {
            gradient.AsSpan(item * width, width).CopyTo(tokenGradient.AsSpan(item * tokens * width));
        }

        foreach (VitReferenceBlock block in blocks.Reverse())
        {
            tokenGradient = block.Backward(tokenGradient);
        }

        EmbedBackward(unfolded, tokenGradient, batch, patchLength);
    }

    private void EmbedBackward(double[] unfolded, double[] gradient, int batch, int patchLength)
    {
        int width = configuration.Width, tokens = configuration.TokenCount, patches = tokens - 1;
        double[] classToken = parameters.Gradient(CheckpointNames.ClassToken), positions = parameters.Gradient(CheckpointNames.PositionEmbedding);
        var embedded = new double[batch * patches * width];
        for (int i = 0; i < gradient.Length; i++)
        {
            int item = i / (tokens * width), token = i / width % tokens, channel = i % width;
            positions[i % (tokens * width)] += gradient[i];
            if (token == 0)
            {
                classToken[channel] += gradient[i];
            }
            else
            {
                embedded[(((item * patches) + token - 1) * width) + channel] = gradient[i];
            }
        }

        parameters.LinearBackward(CheckpointNames.PatchProjection, unfolded, embedded, patchLength);
    }

    private static double[] FirstTokens(double[] x, int batch, int tokens, int width)
    {
        var rows = new double[batch * width];
        for (int item = 0; item < batch; item++)
        {
            x.AsSpan(item * tokens * width, width).CopyTo(rows.AsSpan(item * width));
        }

        return rows;
    }
}
