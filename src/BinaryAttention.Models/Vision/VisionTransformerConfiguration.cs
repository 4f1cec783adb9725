namespace BinaryAttention.Models.Vision;

/// <summary>
/// The sizes of a vision transformer (ViT, DeiT): everything that decides the shapes of its weights, and the epsilon of its layer norms. For a checkpoint it
/// describes the image size that the checkpoint was made for; <see cref="VisionTransformerOptions"/> may ask for another.
/// </summary>
public sealed record VisionTransformerConfiguration
{
    private readonly int _headDimension;

    /// <summary>Rows of pixels of an input image; a multiple of <see cref="PatchSize"/>.</summary>
    public int ImageHeight { get; init; } = 224;

    /// <summary>Columns of pixels of an input image; a multiple of <see cref="PatchSize"/>.</summary>
    public int ImageWidth { get; init; } = 224;

    /// <summary>Pixels along a side of a square patch.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Colour channels of an input image.</summary>
    public int ChannelCount { get; init; } = 3;

    /// <summary>Channels of a token.</summary>
    public int Width { get; init; } = 192;

    /// <summary>Transformer blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads of every block; must divide <see cref="Width"/> unless <see cref="HeadDimension"/> is set.</summary>
    public int HeadCount { get; init; } = 3;

    /// <summary>Channels of one attention head. 0, the default, stands for <see cref="Width"/> over <see cref="HeadCount"/> and is never read back.</summary>
    public int HeadDimension
    {
        get => _headDimension != 0 ? _headDimension : Width / HeadCount;
        init => _headDimension = value;
    }

    /// <summary>Channels of a query: all heads together. <see cref="Width"/>, unless <see cref="HeadDimension"/> is set.</summary>
    public int AttentionWidth => _headDimension != 0 ? _headDimension * HeadCount : Width;

    /// <summary>Hidden channels of the perceptrons over <see cref="Width"/>.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>The function between the two layers of the perceptrons.</summary>
    public MlpActivation Activation { get; init; }

    /// <summary>Whether patches are normalised before their projection, and again after it.</summary>
    public bool HasPatchNorms { get; init; }

    /// <summary>Classes of the head.</summary>
    public int ClassCount { get; init; } = 1000;

    /// <summary>Whether a distillation token follows the class token; the logits are then the mean of two heads.</summary>
    public bool HasDistillationToken { get; init; }

    /// <summary>Whether every block holds a relative-position bias table. Needs a class token and no distillation token.</summary>
    public bool HasRelativePositionBias { get; init; }

    /// <summary>Whether the fused query, key and value projections have a bias.</summary>
    public bool HasQueryKeyValueBias { get; init; } = true;

    /// <summary>The codes of a calibrated checkpoint; null if it has none.</summary>
    public CalibratedForm? Calibration { get; init; }

    /// <summary>Added to the variance in every layer norm.</summary>
    public float LayerNormEpsilon { get; init; } = 1e-6f;

    /// <summary>DeiT-Tiny at 224 x 224: 5.7 million parameters.</summary>
    public static VisionTransformerConfiguration DeitTiny224 { get; } = new();

    /// <summary>DeiT-Small at 224 x 224: 22 million parameters.</summary>
    public static VisionTransformerConfiguration DeitSmall224 { get; } = new() { Width = 384, HeadCount = 6 };

    /// <summary>DeiT-Base at 224 x 224: 87 million parameters.</summary>
    public static VisionTransformerConfiguration DeitBase224 { get; } = new() { Width = 768, HeadCount = 12 };

    /// <summary>DeiT-Base at 384 x 384.</summary>
    public static VisionTransformerConfiguration DeitBase384 { get; } = DeitBase224.WithImageSize(384, 384);

    /// <summary>DeiT-Tiny with a distillation token.</summary>
    public static VisionTransformerConfiguration DeitTinyDistilled224 { get; } = DeitTiny224 with { HasDistillationToken = true };

    /// <summary>DeiT-Small with a distillation token.</summary>
    public static VisionTransformerConfiguration DeitSmallDistilled224 { get; } = DeitSmall224 with { HasDistillationToken = true };

    /// <summary>DeiT-Base with a distillation token.</summary>
    public static VisionTransformerConfiguration DeitBaseDistilled224 { get; } = DeitBase224 with { HasDistillationToken = true };

    /// <summary>DeiT-Base with a distillation token at 384 x 384.</summary>
    public static VisionTransformerConfiguration DeitBaseDistilled384 { get; } = DeitBase384 with { HasDistillationToken = true };

    /// <summary>Rows of patches.</summary>
    public int GridHeight => ImageHeight / PatchSize;

    /// <summary>Columns of patches.</summary>
    public int GridWidth => ImageWidth / PatchSize;

    /// <summary>Tokens that stand before the patches: the class token and, with distillation, one more.</summary>
    public int SpecialTokenCount => HasDistillationToken ? 2 : 1;

    /// <summary>Special tokens and patches.</summary>
    public int TokenCount => SpecialTokenCount + (GridHeight * GridWidth);

    /// <summary>Hidden channels of the perceptrons.</summary>
    public int HiddenWidth => (int)Math.Round(Width * MlpRatio);

    /// <summary>Rows of a relative-position table: every offset between two patches, and three for the class token.</summary>
    public int RelativePositionCount => (((2 * GridHeight) - 1) * ((2 * GridWidth) - 1)) + 3;

    /// <summary>The same model for another image size.</summary>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    public VisionTransformerConfiguration WithImageSize(int height, int width) => this with { ImageHeight = height, ImageWidth = width };

    /// <summary>Refuses sizes that no model can have.</summary>
    /// <exception cref="ArgumentException">A size is out of range or does not divide another; the message says which.</exception>
    public void Validate()
    {
        Positive(PatchSize, nameof(PatchSize));
        Positive(ImageHeight, nameof(ImageHeight));
        Positive(ImageWidth, nameof(ImageWidth));
        Positive(ChannelCount, nameof(ChannelCount));
        Positive(Width, nameof(Width));
        Positive(Depth, nameof(Depth));
        Positive(HeadCount, nameof(HeadCount));
        Positive(ClassCount, nameof(ClassCount));
        if (ImageHeight % PatchSize != 0 || ImageWidth % PatchSize != 0)
        {
            throw new ArgumentException($"The image is {ImageHeight} x {ImageWidth} pixels; both sides must be multiples of PatchSize {PatchSize}. Resize or crop the images.", "configuration");
        }

        if (_headDimension == 0 && Width % HeadCount != 0)
        {
            throw new ArgumentException($"HeadCount is {HeadCount}; it must divide Width {Width}. Set HeadDimension where heads do not share the width.", "configuration");
        }

        if (_headDimension < 0)
        {
            throw new ArgumentException($"HeadDimension is {_headDimension}; it must be at least 1, or 0 for Width / HeadCount.", "configuration");
        }

        if (Activation is not (MlpActivation.Gelu or MlpActivation.Relu))
        {
            throw new ArgumentException($"Activation is {Activation}; expected Gelu or Relu.", "configuration");
        }

        if (!double.IsFinite(MlpRatio) || HiddenWidth < 1 || MlpRatio > 1024)
        {
            throw new ArgumentException($"MlpRatio is {MlpRatio}; it must be between 1 / Width and 1024.", "configuration");
        }

        if (!float.IsFinite(LayerNormEpsilon) || LayerNormEpsilon < 0)
        {
            throw new ArgumentException($"LayerNormEpsilon is {LayerNormEpsilon}; it must be finite and at least 0.", "configuration");
        }

        if (HasRelativePositionBias && HasDistillationToken)
        {
            throw new ArgumentException("HasRelativePositionBias and HasDistillationToken are both set; a relative-position table has rows for one special token alone.", "configuration");
        }

        if (Calibration is { } form && (form.Layers.Count == 0 || form.Layers.Any(layer => layer < 0 || layer >= Depth) || HasRelativePositionBias))
        {
            throw new ArgumentException($"Calibration has codes for the layers {string.Join(", ", form.Layers)}; layers 0 to {Depth - 1} of a model without relative-position tables are expected.", "configuration");
        }

        if (Calibration is { CodeLength: < 1 } or { Rank: < 0 } or { QueryPlanes: not (1 or 2) } or { KeyPlanes: not (1 or 2) })
        {
            throw new ArgumentException($"Calibration has codes of {Calibration.CodeLength} signs, rank {Calibration.Rank} and planes {Calibration.QueryPlanes} and {Calibration.KeyPlanes}; at least 1 sign, a rank of at least 0 and 1 or 2 planes are expected.", "configuration");
        }

        // Every buffer of one image must be indexable by an int, whatever a damaged file claims.
        // TokenCount itself may have wrapped around, so tokens are counted again in 64 bits.
        long tokens = SpecialTokenCount + ((long)GridHeight * GridWidth);
        if (tokens > int.MaxValue || tokens * Math.Max(Math.Max(3L * Width, HiddenWidth), ((long)ChannelCount * PatchSize * PatchSize) + Width) > Array.MaxLength)
        {
            throw new ArgumentException($"{tokens} tokens of Width {Width} do not fit one array; use smaller images or larger patches.", "configuration");
        }

        if ((long)_headDimension * HeadCount > Array.MaxLength / (3 * tokens))
        {
            throw new ArgumentException($"{tokens} tokens of {HeadCount} heads of HeadDimension {_headDimension} do not fit one array; use smaller images or larger patches.", "configuration");
        }

        if (Calibration is not null && CalibratedOutputs() > Array.MaxLength / tokens)
        {
            throw new ArgumentException($"{tokens} tokens of {HeadCount} heads with codes of {Calibration.CodeLength} signs and rank {Calibration.Rank} do not fit one array; use shorter codes, smaller images or larger patches.", "configuration");
        }
    }

    /// <summary>Numbers of the largest buffer that an image needs while the model runs; of sizes that <see cref="Validate"/> found right.</summary>
    internal long LargestImageBuffer => (long)TokenCount * Math.Max(Math.Max(3L * AttentionWidth, Width), Calibration is null ? 0 : CalibratedOutputs());

    // Codes and values of a token, which one projection leaves.
    private long CalibratedOutputs() => Calibration!.OutputCount(HeadCount) + AttentionWidth;

    private static void Positive(int value, string name)
    {
        if (value < 1)
        {
            throw new ArgumentException($"{name} is {value}; it must be at least 1.", "configuration");
        }
    }
}
