// Keeps what the projections of some layers got while the model ran exactly: [tokens, width] per layer and image.
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

internal sealed class ActivationCapture : ILayerInputObserver
{
    private readonly int _firstLayer;
    private readonly int _width;
    private readonly List<float[]>[] _inputs;

    private ActivationCapture(int firstLayer, int layerCount, int width)
    {
        (_firstLayer, _width) = (firstLayer, width);
        _inputs = new List<float[]>[layerCount];
        for (int i = 0; i < layerCount; i++)
        {
            _inputs[i] = [];
        }
    }

    /// <summary>Runs the model exactly over images and keeps the input of a range of layers.</summary>
    /// <returns>By layer and image.</returns>
    /// <exception cref="ArgumentException">An activation is not finite.</exception>
    public static float[][][] Run(VisionTransformer model, int firstLayer, int layerCount, int imageCount, Func<int, float[]> image, CancellationToken cancellationToken)
    {
        var capture = new ActivationCapture(firstLayer, layerCount, model.Configuration.Width);
        VisionTransformer observed = model.With(model.Options with { Attention = AttentionChoice.Exact, Observer = capture });
        for (int i = 0; i < imageCount; i++)
        {
            observed.Forward(image(i), cancellationToken);
        }

        float[][][] result = [.. capture._inputs.Select(static images => images.ToArray())];
        for (int layer = 0; layer < layerCount; layer++)
        {
            int bad = Array.FindIndex(result[layer], static tokens => tokens.AsSpan().ContainsAnyExceptInRange(float.MinValue, float.MaxValue));
            if (bad >= 0)
            {
                throw new ArgumentException($"The input of layer {firstLayer + layer} holds NaN or infinity on image {bad}; every activation must be finite. The checkpoint holds weights that are not finite or far too large.", nameof(model));
            }
        }

        return result;
    }

    public void ObserveInput(int layer, ReadOnlySpan<float> input, int batchSize, int tokenCount, CancellationToken cancellationToken)
    {
        int index = layer - _firstLayer;
        if (index < 0 || index >= _inputs.Length)
        {
            return;
        }

        int length = tokenCount * _width;
        for (int item = 0; item < batchSize; item++)
        {
            _inputs[index].Add(input.Slice(item * length, length).ToArray());
        }
    }

    public void Observe(int layer, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken)
    {
        // Queries and keys follow from the input.
    }
}
