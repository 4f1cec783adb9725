// A classifier of pictures with one kind of attention.
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

internal sealed class Recognizer
{
    // DeiT's evaluation keeps 224 of 256 pixels of the resized shorter side.
    private const double EvaluationCropRatio = 224.0 / 256.0;

    private readonly VisionTransformer _model;
    private readonly string _path;

    private Recognizer(VisionTransformer model, string path, AttentionMode mode)
    {
        (_model, _path, Mode) = (model, path, mode);
    }

    public AttentionMode Mode { get; }

    /// <summary>The model itself, for what goes beyond classifying.</summary>
    public VisionTransformer Model => _model;

    public int ClassCount => _model.Configuration.ClassCount;

    /// <summary>Pixels a side of the square the model takes.</summary>
    public int ImageSize => _model.Configuration.ImageHeight;

    /// <summary>Whether the checkpoint has relative-position tables, which only training with one-bit attention adds.</summary>
    public bool IsTrainedOneBit => _model.Configuration.HasRelativePositionBias;

    /// <summary>Loads a checkpoint for photographs once and runs it in each of the modes.</summary>
    public static Recognizer[] Load(string path, ValueQuantization? quantization, int threads, params ReadOnlySpan<AttentionMode> modes)
    {
        Recognizer[] recognizers = Load(path, new CheckpointOptions(), quantization, LinearPrecision.Float32, threads, CpuAttentionBackend.Instance, modes);
        recognizers[0].RequirePhotographs();
        return recognizers;
    }

    /// <summary>
    /// Loads a checkpoint once, whatever pictures it takes, and runs it in each of the modes with attention on a backend. Probabilities and values are held as said, else in float where attention is
    /// naive and in 8 bits where it is calibrated or 8-bit itself.
    /// </summary>
    public static Recognizer[] Load(string path, CheckpointOptions checkpoint, ValueQuantization? quantization, LinearPrecision linear, int threads, IAttentionBackend backend, params ReadOnlySpan<AttentionMode> modes)
    {
        var options = new VisionTransformerOptions { LinearPrecision = linear, MaxDegreeOfParallelism = threads, Backend = backend };
        VisionTransformer loaded = VisionTransformer.Load(path, configuration: null, options, checkpoint);
        var recognizers = new Recognizer[modes.Length];
        for (int i = 0; i < recognizers.Length; i++)
        {
            AttentionMode mode = modes[i] != AttentionMode.Binary ? modes[i] : loaded.Configuration.Calibration is null ? AttentionMode.NaiveBinary : AttentionMode.Calibrated;
            recognizers[i] = new Recognizer(mode == AttentionMode.Exact ? loaded : loaded.With(options with { Attention = AttentionChoice.All(Attention(mode, quantization)) }), path, mode);
        }

        return recognizers;
    }

    private static LayerAttention Attention(AttentionMode mode, ValueQuantization? quantization) => mode switch
    {
        AttentionMode.Exact => LayerAttention.Exact,
        AttentionMode.EightBit => LayerAttention.EightBitWith(quantization ?? ValueQuantization.Tiled),
        AttentionMode.Calibrated => LayerAttention.CalibratedWith(quantization ?? ValueQuantization.Tiled),
        _ => LayerAttention.OneBit(quantization ?? ValueQuantization.Full),
    };

    /// <summary>The same weights with exact attention and float32 linear layers on the CPU: what other ways of running the model are compared with.</summary>
    public Recognizer Reference() => Mode == AttentionMode.Exact && _model.Options.LinearPrecision == LinearPrecision.Float32 && _model.Options.Backend is CpuAttentionBackend
        ? this
        : new Recognizer(_model.With(_model.Options with { Attention = AttentionChoice.Exact, LinearPrecision = LinearPrecision.Float32, Backend = CpuAttentionBackend.Instance }), _path, AttentionMode.Exact);

    /// <summary>The evaluation preprocessing of DeiT for the model's input size.</summary>
    public ImagePreprocessing DefaultPreprocessing() => new((int)Math.Round(ImageSize / EvaluationCropRatio), ImageSize);

    /// <summary>Refuses a model that does not take square colour pictures.</summary>
    public void RequirePhotographs()
    {
        VisionTransformerConfiguration sizes = _model.Configuration;
        if (sizes.ImageHeight != sizes.ImageWidth || sizes.ChannelCount != 3)
        {
            throw new BadInputException($"{_path}: the model takes {sizes.ImageHeight} x {sizes.ImageWidth} pictures of {sizes.ChannelCount} channels; square RGB is expected.");
        }
    }

    /// <summary>Refuses a model that does not take grey pictures of a size.</summary>
    public void RequireGrey(int height, int width)
    {
        VisionTransformerConfiguration sizes = _model.Configuration;
        if (sizes.ImageHeight != height || sizes.ImageWidth != width || sizes.ChannelCount != 1)
        {
            throw new BadInputException($"{_path}: the model takes {sizes.ImageHeight} x {sizes.ImageWidth} pictures of {sizes.ChannelCount} channels, but --idx-images holds {height} x {width} grey ones.");
        }
    }

    public void RequireInput(int cropSize)
    {
        if (cropSize != ImageSize)
        {
            throw new BadInputException($"--crop is {cropSize}, but the model takes pictures of {ImageSize} x {ImageSize}. Give --crop {ImageSize} and a --resize of at least that.");
        }
    }

    /// <summary>One logit per class for one preprocessed picture <c>[3, ImageSize, ImageSize]</c>.</summary>
    /// <exception cref="BadInputException">A logit is NaN or infinite: there is no honest ranking of such classes.</exception>
    public float[] Logits(float[] pixels, CancellationToken cancellationToken) => RequireFinite(_model.Forward(pixels, cancellationToken));

    /// <summary>Passes the logits on if every one is finite.</summary>
    /// <exception cref="BadInputException">A logit is NaN or infinite.</exception>
    public float[] RequireFinite(float[] logits)
    {
        int bad = Array.FindIndex(logits, logit => !float.IsFinite(logit));
        return bad < 0
            ? logits
            : throw new BadInputException($"{_path}: the logit of class {bad} is {logits[bad].ToString(System.Globalization.CultureInfo.InvariantCulture)} with {AttentionModes.TitleOf(Mode, IsTrainedOneBit)} attention; every logit must be finite. The checkpoint holds weights that are not finite or far too large.");
    }

    /// <summary>A pass whose result is dropped: the first one also compiles and would be slow.</summary>
    public void WarmUp(CancellationToken cancellationToken) => Logits(new float[_model.ImageLength], cancellationToken);
}
