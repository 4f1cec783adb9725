// The weights of a vision transformer, packed for the product kernels; shared by every model made from them, whatever its attention or image size.
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Vision;

internal sealed class VisionTransformerWeights
{
    private VisionTransformerWeights(WeightSource source, VisionTransformerConfiguration configuration)
    {
        Configuration = configuration;
        int width = configuration.Width, inner = configuration.AttentionWidth, hidden = configuration.HiddenWidth, patch = configuration.PatchSize;
        SpecialTokens = configuration.HasDistillationToken
            ? [.. source.ReadSingles(CheckpointNames.ClassToken), .. source.ReadSingles(CheckpointNames.DistillationToken)]
            : source.ReadSingles(CheckpointNames.ClassToken);
        PositionEmbedding = source.ReadSingles(CheckpointNames.PositionEmbedding);
        Patches = new PatchEmbedding(
            ReadLinear(CheckpointNames.PatchProjection, width, configuration.ChannelCount * patch * patch),
            configuration.ChannelCount,
            patch,
            configuration.HasPatchNorms ? ReadNorm(CheckpointNames.PatchNorm) : null,
            configuration.HasPatchNorms ? ReadNorm(CheckpointNames.PatchTokenNorm) : null);
        MatrixEpilogue activation = configuration.Activation == MlpActivation.Relu ? MatrixEpilogue.Relu : MatrixEpilogue.Gelu;
        Blocks = new TransformerBlock[configuration.Depth];
        RelativeTables = configuration.HasRelativePositionBias ? new float[configuration.Depth][] : [];
        for (int block = 0; block < configuration.Depth; block++)
        {
            string Part(string part) => CheckpointNames.Block(block, part);
            Blocks[block] = new TransformerBlock(
                ReadNorm(Part("norm1")),
                ReadLinear(Part("attn.qkv"), 3 * inner, width, configuration.HasQueryKeyValueBias),
                configuration.Calibration is { } form && form.Layers.Contains(block) ? ReadCodes(form, block) : null,
                ReadLinear(Part("attn.proj"), width, inner),
                ReadNorm(Part("norm2")),
                ReadLinear(Part("mlp.fc1"), hidden, width),
                ReadLinear(Part("mlp.fc2"), width, hidden),
                activation);
            if (configuration.HasRelativePositionBias)
            {
                RelativeTables[block] = source.ReadSingles(CheckpointNames.RelativeTable(block));
                CheckIndex(source, block, configuration);
            }
        }

        Norm = ReadNorm(CheckpointNames.Norm);
        Head = ReadLinear(CheckpointNames.Head, configuration.ClassCount, width);
        DistillationHead = configuration.HasDistillationToken ? ReadLinear(CheckpointNames.DistillationHead, configuration.ClassCount, width) : null;

        CalibratedAttention ReadCodes(CalibratedForm form, int block) => new(
            form,
            CodeNumbers.Read(source, block, "weight"),
            CodeNumbers.Read(source, block, "bias"),
            CodeNumbers.Read(source, block, "temperature"),
            source.ReadSingles(CheckpointNames.Block(block, "attn.qkv.weight")),
            configuration.HasQueryKeyValueBias ? source.ReadSingles(CheckpointNames.Block(block, "attn.qkv.bias")) : [],
            configuration.HeadCount,
            configuration.SpecialTokenCount);
        Linear ReadLinear(string name, int outputs, int inputs, bool hasBias = true) => new(source.ReadSingles(name + ".weight"), hasBias ? source.ReadSingles(name + ".bias") : [], outputs, inputs);
        LayerNorm ReadNorm(string name) => new(source.ReadSingles(name + ".weight"), source.ReadSingles(name + ".bias"), configuration.LayerNormEpsilon);
    }

    public VisionTransformerConfiguration Configuration { get; }

    /// <summary>The class token and, if there is one, the distillation token.</summary>
    public float[] SpecialTokens { get; }

    /// <summary>As stored, for the grid of <see cref="Configuration"/>.</summary>
    public float[] PositionEmbedding { get; }

    public PatchEmbedding Patches { get; }

    public TransformerBlock[] Blocks { get; }

    /// <summary>One relative-position table per block, or none at all.</summary>
    public float[][] RelativeTables { get; }

    public LayerNorm Norm { get; }

    public Linear Head { get; }

    public Linear? DistillationHead { get; }

    /// <summary>Checks the checkpoint against the configuration, then reads it.</summary>
    /// <exception cref="FileFormatException">A tensor is missing, mis-shaped or too much.</exception>
    public static VisionTransformerWeights Read(WeightSource source, VisionTransformerConfiguration configuration)
    {
        configuration.Validate();
        CheckpointNames.Check(source, configuration);
        return new VisionTransformerWeights(source, configuration);
    }

    /// <summary>The stored index buffer must say what the library computes from positions; another order of the table would give wrong answers in silence.</summary>
    private static void CheckIndex(WeightSource source, int block, VisionTransformerConfiguration configuration)
    {
        string name = CheckpointNames.RelativeIndex(block);
        if (source.FindShape(name) is null)
        {
            return;
        }

        long[] stored = source.ReadIntegers(name);
        int[] expected = RelativePositionIndex.Create(configuration.GridHeight, configuration.GridWidth);
        for (int i = 0; i < expected.Length; i++)
        {
            if (stored[i] != expected[i])
            {
                throw new FileFormatException(source.Name, $"{name} holds {stored[i]} at [{i / configuration.TokenCount}, {i % configuration.TokenCount}]; a {configuration.GridHeight} x {configuration.GridWidth} grid has {expected[i]} there. The table was made for another order of positions.");
            }
        }
    }
}
