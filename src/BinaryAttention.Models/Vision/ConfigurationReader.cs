// Reads a model's sizes off the shapes of its checkpoint. What shapes cannot tell: the number of heads (as the caller says, else from a relative-position table, else
// from the metadata "num_heads", else 64 channels a head, as every ViT and DeiT has), the activation (the caller, the metadata "activation", else GELU), the epsilon of
// the layer norms (the caller, the metadata "layer_norm_epsilon", else that usual with the names) and the grid of a model for images that are not square (metadata
// "image", else an error).
using System.Globalization;
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Vision;

internal static class ConfigurationReader
{
    public const string EpsilonKey = "layer_norm_epsilon", ChannelsKey = "channels";

    private const int UsualHeadDimension = 64;

    /// <summary>The configuration of a checkpoint; its shapes are not all checked yet.</summary>
    /// <exception cref="FileFormatException">A tensor that decides a size is missing or has an odd shape, a block index is absurd, or the head count or grid is not clear.</exception>
    public static VisionTransformerConfiguration Read(WeightSource source, CheckpointOptions? options = null)
    {
        options ??= new CheckpointOptions();
        string[] needed = [CheckpointNames.ClassToken, CheckpointNames.PositionEmbedding, CheckpointNames.PatchProjection + ".weight", CheckpointNames.Block(0, "mlp.fc1.weight"), CheckpointNames.Head + ".weight"];
        string[] missing = [.. needed.Where(name => source.FindShape(name) is null)];
        if (missing.Length > 0)
        {
            throw new FileFormatException(source.Name, $"this is no ViT or DeiT checkpoint: missing {string.Join(", ", missing.Select(source.StoredName))}. The names of the published checkpoints or of vit-pytorch are expected.");
        }

        int[] patch = Shape(source, needed[2], 4), position = Shape(source, needed[1], 3), expand = Shape(source, needed[3], 2), head = Shape(source, needed[4], 2);
        int width = patch[0];
        bool distilled = source.FindShape(CheckpointNames.DistillationToken) is not null;
        bool relative = source.FindShape(CheckpointNames.RelativeTable(0)) is not null;
        int inner = source.HasFreeAttentionWidth ? AttentionWidth(source) : width;
        int gridTokens = position[1] - (distilled ? 2 : 1);
        (int height, int columns) = Grid(source, gridTokens, patch[3]);
        int heads = HeadCount(source, options, inner, relative);
        var configuration = new VisionTransformerConfiguration
        {
            ImageHeight = height * patch[3],
            ImageWidth = columns * patch[3],
            PatchSize = patch[3],
            ChannelCount = patch[1],
            Width = width,
            Depth = Depth(source),
            HeadCount = heads,
            HeadDimension = inner == width ? 0 : inner / heads,
            Activation = options.Activation ?? Activation(source),
            LayerNormEpsilon = options.LayerNormEpsilon ?? Epsilon(source) ?? source.UsualLayerNormEpsilon,
            HasPatchNorms = source.FindShape(CheckpointNames.PatchNorm + ".weight") is not null,
            MlpRatio = (double)expand[0] / width,
            ClassCount = head[0],
            HasDistillationToken = distilled,
            HasRelativePositionBias = relative,
            Calibration = CalibratedFormReader.Read(source),
            HasQueryKeyValueBias = source.FindShape(CheckpointNames.Block(0, "attn.qkv.bias")) is not null,
        };
        try
        {
            configuration.Validate();
        }
        catch (ArgumentException exception)
        {
            throw new FileFormatException(source.Name, $"the shapes of the checkpoint describe no possible model. {exception.Message}", innerException: exception);
        }

        return configuration;
    }

    private static int[] Shape(WeightSource source, string name, int rank)
    {
        IReadOnlyList<long> shape = source.FindShape(name)!;
        return shape.Count == rank && shape.All(static length => length is > 0 and <= int.MaxValue / 4)
            ? [.. shape.Select(static length => (int)length)]
            : throw new FileFormatException(source.Name, $"{source.StoredName(name)} has shape [{string.Join(", ", shape)}]; {rank} lengths of at least 1 are expected.");
    }

    private static int Depth(WeightSource source)
    {
        // One more than the largest index, so that a block lost from the middle is reported by its tensors. A block is many tensors: an index as large as their
        // number is damage, and is refused before a million missing tensors are listed.
        int largest = -1, tensors = 0;
        foreach (string name in source.TensorNames)
        {
            tensors++;
            string[] parts = name.Split('.', 3);
            if (parts.Length == 3 && parts[0] == "blocks" && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int block))
            {
                largest = Math.Max(largest, block);
            }
        }

        return largest < tensors
            ? largest + 1
            : throw new FileFormatException(source.Name, $"a tensor belongs to blocks.{largest}, but a model of so many blocks has more than the {tensors} tensors of the file. The names are damaged, or this is no ViT or DeiT checkpoint.");
    }

    private static int AttentionWidth(WeightSource source)
    {
        string name = CheckpointNames.Block(0, "attn.qkv.weight");
        if (source.FindShape(name) is null)
        {
            throw new FileFormatException(source.Name, $"{source.StoredName(name)} is missing, which says how wide queries are.");
        }

        int outputs = Shape(source, name, 2)[0];
        return outputs % 3 == 0
            ? outputs / 3
            : throw new FileFormatException(source.Name, $"{source.StoredName(name)} has {outputs} rows; three times the channels of a query are expected.");
    }

    private static int HeadCount(WeightSource source, CheckpointOptions options, int inner, bool relative)
    {
        if (options.HeadCount is { } asked)
        {
            return asked > 0 && inner % asked == 0
                ? asked
                : throw new ArgumentException($"HeadCount is {asked}; a divisor of the {inner} channels of a query in {source.Name} is expected.", nameof(options));
        }

        if (relative)
        {
            return Shape(source, CheckpointNames.RelativeTable(0), 2)[1];
        }

        if (source.Metadata.TryGetValue("num_heads", out string? text))
        {
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int heads) && heads > 0 && inner % heads == 0
                ? heads
                : throw new FileFormatException(source.Name, $"the metadata says num_heads \"{text}\"; a divisor of the {inner} channels of a query is expected.");
        }

        return inner % UsualHeadDimension == 0
            ? inner / UsualHeadDimension
            : throw new FileFormatException(source.Name, $"the number of attention heads is not clear: the {inner} channels of a query are no multiple of {UsualHeadDimension} and the metadata has no num_heads. Say how many there are (HeadCount of CheckpointOptions or of a configuration; --heads), or store num_heads in the metadata.");
    }

    private static MlpActivation Activation(WeightSource source) => !source.Metadata.TryGetValue("activation", out string? text) ? MlpActivation.Gelu : text switch
    {
        "gelu" => MlpActivation.Gelu,
        "relu" => MlpActivation.Relu,
        _ => throw new FileFormatException(source.Name, $"the metadata says activation \"{text}\"; gelu or relu is expected."),
    };

    private static float? Epsilon(WeightSource source) => !source.Metadata.TryGetValue(EpsilonKey, out string? text)
        ? null
        : float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float epsilon) && epsilon is >= 0 and <= 1
            ? epsilon
            : throw new FileFormatException(source.Name, $"the metadata says {EpsilonKey} \"{text}\"; a number from 0 to 1 is expected.");

    private static (int Height, int Width) Grid(WeightSource source, int tokens, int patchSize)
    {
        if (source.Metadata.TryGetValue("image", out string? text))
        {
            string[] sides = text.Trim('[', ']').Split(',');
            if (sides.Length == 2 && int.TryParse(sides[0], CultureInfo.InvariantCulture, out int height) && int.TryParse(sides[1], CultureInfo.InvariantCulture, out int width) && (long)(height / patchSize) * (width / patchSize) == tokens)
            {
                return (height / patchSize, width / patchSize);
            }
        }

        int side = (int)Math.Round(Math.Sqrt(Math.Max(tokens, 0)));
        return side > 0 && side * side == tokens
            ? (side, side)
            : throw new FileFormatException(source.Name, $"pos_embed holds {tokens} patch positions, which is no square grid. Store the image size in the metadata (image: [height, width]), or pass a configuration with ImageHeight and ImageWidth set.");
    }
}
