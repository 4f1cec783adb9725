using System.Collections.Concurrent;
using System.Numerics.Tensors;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Vision;

/// <summary>
/// A vision transformer (ViT: Dosovitskiy et al. 2021; DeiT: Touvron et al. 2021) for inference, with exact or one-bit attention (BinaryAttention, CVPR 2026).
/// Pre-norm blocks, class token, learned positions. Memory grows with tokens times width, never with tokens squared.
/// A model does not change after it was loaded and may be called from several threads at once: each call takes buffers from a pool of its own, which are kept for
/// the next. Results have the same bits at any number of threads and in any batch.
/// </summary>
public sealed class VisionTransformer
{
    // Bounds the buffers whatever the batch; enough rows for every core of a large machine.
    private const int MostImagesPerPass = 8;

    private readonly int _imagesPerPass;
    private readonly VisionTransformerWeights _weights;
    private readonly LayerRun[] _attention;
    private readonly AlignedBuffer<float> _firstTokens;
    private readonly ConcurrentBag<EncoderPass>[] _passes;

    private VisionTransformer(VisionTransformerWeights weights, VisionTransformerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options.Attention);
        ArgumentNullException.ThrowIfNull(options.Backend);
        _weights = weights;
        _ = RowLoop.Threads(options.MaxDegreeOfParallelism);
        Options = options;
        VisionTransformerConfiguration stored = weights.Configuration;
        Configuration = stored.WithImageSize(options.ImageHeight ?? stored.ImageHeight, options.ImageWidth ?? stored.ImageWidth);
        Configuration.Validate();
        _imagesPerPass = ImagesPerPass(Configuration.LargestImageBuffer);
        _firstTokens = ImageAdaptation.Tokens(weights, Configuration, options.PositionResize);
        _attention = ImageAdaptation.Attention(weights, Configuration, options);
        _passes = [.. Enumerable.Range(0, _imagesPerPass).Select(_ => new ConcurrentBag<EncoderPass>())];
        if (options.LinearPrecision == LinearPrecision.EightBit)
        {
            Array.ForEach(weights.Blocks, static block => block.PrepareEightBit());
        }
        else if (options.LinearPrecision != LinearPrecision.Float32)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.LinearPrecision, "LinearPrecision must be one of the enumeration's values.");
        }
    }

    /// <summary>The sizes of the model for the images it takes.</summary>
    public VisionTransformerConfiguration Configuration { get; }

    /// <summary>How the model is run.</summary>
    public VisionTransformerOptions Options { get; }

    /// <summary>Values of one input image, <c>[channels, height, width]</c>.</summary>
    public int ImageLength => Configuration.ChannelCount * Configuration.ImageHeight * Configuration.ImageWidth;

    /// <summary>Loads a checkpoint with the official (timm) names or those of vit-pytorch: safetensors, PyTorch (.pth, .pt) or NumPy (.npz), told by its content.</summary>
    /// <param name="path">The file.</param>
    /// <param name="configuration">The sizes; read off the checkpoint's shapes if null.</param>
    /// <param name="options">Attention, image size, backend; exact attention on the CPU if null.</param>
    /// <param name="checkpoint">Which model of the file, and what its tensors cannot say; see there for what holds if null.</param>
    /// <exception cref="ArgumentException"><paramref name="checkpoint"/> describes the model beside <paramref name="configuration"/>, or its heads do not divide.</exception>
    /// <exception cref="FileFormatException">The file is damaged, or tensors are missing, mis-shaped or too much: one message names them.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static VisionTransformer Load(string path, VisionTransformerConfiguration? configuration = null, VisionTransformerOptions? options = null, CheckpointOptions? checkpoint = null)
    {
        using var file = TensorFile.OpenBelow(path, checkpoint?.Prefix);
        return Load(WeightSource.FromTensorFile(file, path), configuration, options, checkpoint is null ? null : checkpoint with { Prefix = null });
    }

    /// <summary>Loads a checkpoint from any source of named tensors, which is not needed afterwards.</summary>
    /// <param name="source">The tensors.</param>
    /// <param name="configuration">The sizes; read off the checkpoint's shapes if null.</param>
    /// <param name="options">Attention, image size, backend; exact attention on the CPU if null.</param>
    /// <param name="checkpoint">Which model of the source, and what its tensors cannot say; see there for what holds if null.</param>
    /// <exception cref="ArgumentException"><paramref name="checkpoint"/> describes the model beside <paramref name="configuration"/>, or its heads do not divide.</exception>
    /// <exception cref="FileFormatException">Tensors are missing, mis-shaped or too much: one message names them.</exception>
    public static VisionTransformer Load(WeightSource source, VisionTransformerConfiguration? configuration = null, VisionTransformerOptions? options = null, CheckpointOptions? checkpoint = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        checkpoint ??= new CheckpointOptions();
        if (configuration is not null && checkpoint.DescribesModel)
        {
            throw new ArgumentException("checkpoint describes the model although configuration does already. Set the values in configuration, or leave it null.", nameof(checkpoint));
        }

        WeightSource model = VitPytorchSource.Adapt(ModelPrefix.Select(source, checkpoint.Prefix), checkpoint.ChannelCount ?? configuration?.ChannelCount);
        VisionTransformerWeights weights = VisionTransformerWeights.Read(model, configuration ?? ConfigurationReader.Read(model, checkpoint));
        return new VisionTransformer(weights, options ?? new VisionTransformerOptions());
    }

    /// <summary>The same weights (shared, not copied) run in another way.</summary>
    /// <param name="options">Attention, image size, backend.</param>
    /// <exception cref="ArgumentException">An option is out of range or does not fit the model.</exception>
    /// <exception cref="NotSupportedException">Relative-position tables cannot be resized to the image size.</exception>
    public VisionTransformer With(VisionTransformerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new VisionTransformer(_weights, options);
    }

    /// <summary>Classifies images.</summary>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>; the batch size follows from the length.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention.</param>
    /// <returns>Logits <c>[batch, classes]</c>. A NaN pixel gives NaN logits for its image.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images, or there are more logits than an array holds.</exception>
    public float[] Forward(ReadOnlySpan<float> images, CancellationToken cancellationToken = default)
    {
        int batch = BatchSize(images);
        int classes = Configuration.ClassCount;
        if ((long)batch * classes > Array.MaxLength)
        {
            throw new ArgumentException($"images holds {batch} images, whose {classes} logits each do not fit one array. Pass them in several calls.", nameof(images));
        }

        var logits = new float[batch * classes];
        Forward(images, logits, cancellationToken);
        return logits;
    }

    /// <summary>Classifies images into memory of the caller. After the first call with a batch size nothing is allocated, but for calibrated layers, whose biases are new in every call.</summary>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>; the batch size follows from the length.</param>
    /// <param name="logits">Receives logits <c>[batch, classes]</c>. A NaN pixel gives NaN logits for its image.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention.</param>
    /// <exception cref="ArgumentException">The length of <paramref name="images"/> is no whole number of images, or <paramref name="logits"/> is too short.</exception>
    public void Forward(ReadOnlySpan<float> images, Span<float> logits, CancellationToken cancellationToken = default)
    {
        int batch = BatchSize(images), classes = Configuration.ClassCount, special = Configuration.SpecialTokenCount;
        if (logits.Length < (long)batch * classes)
        {
            throw new ArgumentException($"logits has {logits.Length} values; {batch} images of {classes} classes need {(long)batch * classes}.", nameof(logits));
        }

        for (int first = 0; first < batch; first += _imagesPerPass)
        {
            int count = Math.Min(_imagesPerPass, batch - first);
            EncoderPass pass = Rent(count);
            Embed(images.Slice(first * ImageLength, count * ImageLength), pass, cancellationToken);
            pass.Run(Configuration.Depth, special, Observed(), cancellationToken);
            Span<float> tokens = pass.Tokens[..(count * special * Configuration.Width)];
            _weights.Norm.Forward(tokens, tokens, count * special);
            Classify(tokens, count, logits.Slice(first * classes, count * classes));
            Return(pass);
        }
    }

    /// <summary>The tokens that the head sees: the output of the last block, normalised.</summary>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention.</param>
    /// <returns><c>[batch, tokens, width]</c>, the class token first.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images.</exception>
    public float[] ForwardFeatures(ReadOnlySpan<float> images, CancellationToken cancellationToken = default) =>
        ForwardTokens(images, Configuration.Depth, normalise: true, cancellationToken);

    /// <summary>The tokens after one block, not normalised.</summary>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>.</param>
    /// <param name="block">The block, from 0.</param>
    /// <param name="cancellationToken">Checked between layers and inside the attention.</param>
    /// <returns><c>[batch, tokens, width]</c>, the class token first.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images, or there is no such block.</exception>
    public float[] ForwardHiddenState(ReadOnlySpan<float> images, int block, CancellationToken cancellationToken = default)
    {
        if (block < 0 || block >= Configuration.Depth)
        {
            throw new ArgumentOutOfRangeException(nameof(block), block, $"Expected 0 to {Configuration.Depth - 1}.");
        }

        return ForwardTokens(images, block + 1, normalise: false, cancellationToken);
    }

    private float[] ForwardTokens(ReadOnlySpan<float> images, int blocks, bool normalise, CancellationToken cancellationToken)
    {
        int batch = BatchSize(images);
        int itemLength = Configuration.TokenCount * Configuration.Width;
        var result = new float[checked(batch * itemLength)];
        for (int first = 0; first < batch; first += _imagesPerPass)
        {
            int count = Math.Min(_imagesPerPass, batch - first);
            EncoderPass pass = Rent(count);
            Embed(images.Slice(first * ImageLength, count * ImageLength), pass, cancellationToken);
            pass.Run(blocks, firstTokens: 0, Observed(), cancellationToken);
            Span<float> target = result.AsSpan(first * itemLength, count * itemLength);
            if (normalise)
            {
                _weights.Norm.Forward(pass.Tokens, target, count * Configuration.TokenCount);
            }
            else
            {
                pass.Tokens[..target.Length].CopyTo(target);
            }

            Return(pass);
        }

        return result;
    }

    /// <summary>Images that run together: as many as an array holds of the largest buffer that each of them needs, beside what aligns it.</summary>
    internal static int ImagesPerPass(long largestImageBuffer) => (int)Math.Clamp((Array.MaxLength - 64) / largestImageBuffer, 1, MostImagesPerPass);

    private void Embed(ReadOnlySpan<float> images, EncoderPass pass, CancellationToken cancellationToken)
    {
        for (int item = 0; item < pass.ImageCount; item++)
        {
            pass.Embed(item, images.Slice(item * ImageLength, ImageLength), Configuration.ImageHeight, Configuration.ImageWidth, _firstTokens.Span, Configuration.GridHeight * Configuration.GridWidth, cancellationToken);
        }
    }

    // Two methods: what a lambda captures is allocated where its method begins, needed or not.
    private Func<int, IAttentionBackend>? Observed() => Options.Observer is null ? null : Observed(Options.Observer);

    private Func<int, IAttentionBackend> Observed(IAttentionObserver observer) => block => new ObservedAttentionBackend(Options.Backend, observer, block);

    /// <summary>Applies the head to the class tokens, or both heads to their tokens with the mean of the two.</summary>
    private void Classify(ReadOnlySpan<float> tokens, int count, Span<float> logits)
    {
        if (_weights.DistillationHead is not { } distillationHead)
        {
            _weights.Head.Forward(tokens, logits, count);
            return;
        }

        int width = Configuration.Width, classes = Configuration.ClassCount;
        for (int item = 0; item < count; item++)
        {
            ReadOnlySpan<float> pair = tokens.Slice(2 * item * width, 2 * width);
            Span<float> row = logits.Slice(item * classes, classes);
            _weights.Head.Forward(pair, row, 1);
            distillationHead.Forward(pair[width..], row, 1, MatrixEpilogue.Add);
            TensorPrimitives.Multiply(row, 0.5f, row);
        }
    }

    private int BatchSize(ReadOnlySpan<float> images) => images.Length > 0 && images.Length % ImageLength == 0
        ? images.Length / ImageLength
        : throw new ArgumentException($"images has {images.Length} values; a whole number of images of {Configuration.ChannelCount} x {Configuration.ImageHeight} x {Configuration.ImageWidth} = {ImageLength} is expected. Resize or crop them to that size.", nameof(images));

    // Batches of one size are the rule, so passes are kept by their number of images. One that failed is not given back.
    private EncoderPass Rent(int count) => _passes[count - 1].TryTake(out EncoderPass? pass)
        ? pass
        : new EncoderPass(_weights.Patches, _weights.Blocks, Configuration.TokenCount, Configuration.HeadCount, count, _attention, Options);

    private void Return(EncoderPass pass) => _passes[pass.ImageCount - 1].Add(pass);
}
