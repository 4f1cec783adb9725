// A vision transformer for training, read top to bottom: parameters under their published names, then the forward pass. What it saves, VisionTransformer loads.
using System.Globalization;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Training.Networks;

/// <summary>
/// A vision transformer (ViT, DeiT) whose weights are trained, with exact or one-bit attention (BinaryAttention, CVPR 2026, section 4). Parameters have the names of the published checkpoints.
/// For one thread at a time; operations use the threads of the tape's workspace.
/// </summary>
public sealed class TrainableVisionTransformer
{
    private readonly TrainableBlock[] _blocks;
    private readonly IReadOnlyDictionary<string, string> _metadata;

    private TrainableVisionTransformer(VisionTransformerConfiguration configuration, TrainableVisionTransformerOptions options, WeightSource? source)
    {
        configuration.Validate();
        if (options.DropPathRate is not (>= 0 and < 1))
        {
            throw new ArgumentException($"DropPathRate is {options.DropPathRate}; it must be in [0, 1).", nameof(options));
        }

        (Configuration, Options) = (configuration, options);
        _metadata = ParameterWeightSource.Describe(configuration, source);
        int patchInputs = configuration.ChannelCount * configuration.PatchSize * configuration.PatchSize;
        foreach ((string name, long[] shape, bool isRequired) in CheckpointNames.Expected(configuration))
        {
            if (!isRequired)
            {
                continue;
            }

            var parameter = new Parameter(name, Array.ConvertAll(shape, static size => (int)size));
            if (source?.FindShape(name) is not null)
            {
                source.ReadSingles(name).CopyTo(parameter.Values);
            }
            else
            {
                Initialization.Fill(parameter, options.Randomness, patchInputs);
            }

            // As timm: tokens, positions and relative tables do not decay; neither do vectors. A temperature is what the scale of the codes says already, so it stays.
            parameter.HasWeightDecay = parameter.HasWeightDecay && name.EndsWith(".weight", StringComparison.Ordinal);
            parameter.IsTrainable = !name.EndsWith(".temperature", StringComparison.Ordinal);
            Parameters.Add(parameter);
        }

        IReadOnlyList<LayerAttention> attention = options.Attention.ForDepth(configuration.Depth);
        _blocks = [.. Enumerable.Range(0, configuration.Depth).Select(block => new TrainableBlock(Parameters, configuration, block, attention[block]))];
    }

    /// <summary>A model with initial values drawn from <see cref="TrainableVisionTransformerOptions.Randomness"/>, as timm draws them for DeiT.</summary>
    /// <param name="configuration">The sizes.</param>
    /// <param name="options">How it is trained; exact attention if null.</param>
    /// <exception cref="ArgumentException">A size or an option is out of range.</exception>
    public TrainableVisionTransformer(VisionTransformerConfiguration configuration, TrainableVisionTransformerOptions? options = null)
        : this(configuration, options ?? new TrainableVisionTransformerOptions(), source: null)
    {
    }

    /// <summary>The sizes.</summary>
    public VisionTransformerConfiguration Configuration { get; }

    /// <summary>How it is trained.</summary>
    public TrainableVisionTransformerOptions Options { get; }

    /// <summary>All parameters under the names of the published checkpoints.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>Values of one image.</summary>
    public int ImageLength => Configuration.ChannelCount * Configuration.ImageHeight * Configuration.ImageWidth;

    /// <summary>Takes the weights of a checkpoint. Relative-position tables that <paramref name="configuration"/> asks for and the checkpoint does not have get initial values.</summary>
    /// <param name="source">The tensors; not needed afterwards.</param>
    /// <param name="configuration">The sizes; read off the checkpoint's shapes if null.</param>
    /// <param name="options">How it is trained; exact attention if null.</param>
    /// <exception cref="FileFormatException">Tensors are missing, mis-shaped or too much.</exception>
    /// <exception cref="ArgumentException">A size or an option is out of range.</exception>
    public static TrainableVisionTransformer Load(WeightSource source, VisionTransformerConfiguration? configuration = null, TrainableVisionTransformerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        WeightSource model = VitPytorchSource.Adapt(ModelPrefix.Select(source, prefix: null), configuration?.ChannelCount);
        VisionTransformerConfiguration sizes = configuration ?? ConfigurationReader.Read(model, new CheckpointOptions());
        bool addsTables = sizes.HasRelativePositionBias && model.FindShape(CheckpointNames.RelativeTable(0)) is null;
        CheckpointNames.Check(model, addsTables ? sizes with { HasRelativePositionBias = false } : sizes);
        return new TrainableVisionTransformer(sizes, options ?? new TrainableVisionTransformerOptions(), model);
    }

    /// <summary>Takes the weights of a checkpoint file.</summary>
    /// <param name="path">The file: safetensors, PyTorch or NumPy.</param>
    /// <param name="configuration">The sizes; read off the checkpoint's shapes if null.</param>
    /// <param name="options">How it is trained; exact attention if null.</param>
    /// <exception cref="FileFormatException">The file is damaged, or tensors are missing, mis-shaped or too much.</exception>
    public static TrainableVisionTransformer Load(string path, VisionTransformerConfiguration? configuration = null, TrainableVisionTransformerOptions? options = null)
    {
        using var file = TensorFile.OpenBelow(path, null);
        return Load(WeightSource.FromTensorFile(file, path), configuration, options);
    }

    /// <summary>Classifies images.</summary>
    /// <param name="tape">Where operations are recorded.</param>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>; the batch size follows from the length.</param>
    /// <param name="pass">Training step and taps; evaluation if null.</param>
    /// <returns>Logits <c>[batch, classes]</c>, retained. With a distillation token: the mean of both heads.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images.</exception>
    public Variable Forward(Tape tape, ReadOnlySpan<float> images, ForwardPass? pass = null)
    {
        (Variable logits, Variable? distillation) = ForwardHeads(tape, images, pass);
        Variable result = distillation is null ? logits : logits.Add(distillation).Scale(0.5f);
        result.IsRetained = true;
        return result;
    }

    /// <summary>Classifies images and keeps the logits of the two heads apart.</summary>
    /// <param name="tape">Where operations are recorded.</param>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>.</param>
    /// <param name="pass">Training step and taps; evaluation if null.</param>
    /// <returns>Logits of the head, and those of the distillation head or null; retained.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images.</exception>
    public (Variable Logits, Variable? Distillation) ForwardHeads(Tape tape, ReadOnlySpan<float> images, ForwardPass? pass = null)
    {
        Variable x = ForwardTokens(tape, images, Configuration.Depth, pass);
        Variable logits = Head(x, 0, CheckpointNames.Head);
        return (logits, Configuration.HasDistillationToken ? Head(x, 1, CheckpointNames.DistillationHead) : null);
    }

    /// <summary>The tokens after some blocks, not normalised.</summary>
    /// <param name="tape">Where operations are recorded.</param>
    /// <param name="images">Normalised pixels <c>[batch, channels, height, width]</c>.</param>
    /// <param name="blocks">Blocks to run.</param>
    /// <param name="pass">Training step and taps; evaluation if null.</param>
    /// <returns><c>[batch, tokens, width]</c>.</returns>
    /// <exception cref="ArgumentException">The length is no whole number of images.</exception>
    public Variable ForwardTokens(Tape tape, ReadOnlySpan<float> images, int blocks, ForwardPass? pass = null)
    {
        ArgumentNullException.ThrowIfNull(tape);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blocks, Configuration.Depth);
        if (images.IsEmpty || images.Length % ImageLength != 0)
        {
            throw new ArgumentException($"images has {images.Length} values; a whole number of images of {Configuration.ChannelCount} x {Configuration.ImageHeight} x {Configuration.ImageWidth} = {ImageLength} is expected.", nameof(images));
        }

        pass ??= ForwardPass.Evaluation;
        Variable x = tape.Region(tape.Constant(images, "images", images.Length / ImageLength, Configuration.ChannelCount, Configuration.ImageHeight, Configuration.ImageWidth), Embed);
        for (int block = 0; block < blocks; block++)
        {
            (float[] first, float[] second) = DropPath(block, x.Shape[0], pass);
            int index = block;
            Variable Run(Variable tokens) => _blocks[index].Forward(tokens, first, second, pass.Observe);
            using (tape.Scope(string.Create(CultureInfo.InvariantCulture, $"blocks.{block}")))
            {
                // Taps outlive the block, so it is not computed twice while somebody watches.
                x = Options.RecomputesBlocks && pass.Observe is null ? tape.Checkpoint(x, Run) : tape.Region(x, Run);
            }
        }

        return x;
    }

    /// <summary>Freezes everything but what the attention consists of: projections, relative tables and codes of all blocks.</summary>
    public void TrainAttentionOnly()
    {
        foreach (Parameter parameter in Parameters)
        {
            parameter.IsTrainable = parameter.IsTrainable && (parameter.Name.Contains(".attn.", StringComparison.Ordinal) || parameter.Name.StartsWith("one_bit.", StringComparison.Ordinal));
        }
    }

    /// <summary>The parameters as they are now, for <see cref="VisionTransformer.Load(WeightSource, VisionTransformerConfiguration?, VisionTransformerOptions?, CheckpointOptions?)"/>, which copies them.</summary>
    public WeightSource ToWeightSource() => new ParameterWeightSource(Parameters, _metadata);

    /// <summary>The model for inference, with the weights as they are now and the attention of the training.</summary>
    /// <param name="options">Other options; the training's attention if null.</param>
    public VisionTransformer ToInference(VisionTransformerOptions? options = null) =>
        VisionTransformer.Load(ToWeightSource(), Configuration, options ?? new VisionTransformerOptions { Attention = Options.Attention });

    /// <summary>The tensors and metadata of an ordinary checkpoint.</summary>
    public (IReadOnlyList<TensorToWrite> Tensors, IReadOnlyDictionary<string, string> Metadata) ToCheckpoint() =>
        ([.. Parameters.Select(static parameter => TensorToWrite.FromSingles(parameter.Name, [.. parameter.Shape.Select(static size => (long)size)], parameter.ValueMemory))], _metadata);

    private Parameter Find(string name) => Parameters.Find(name)!;

    private Variable Embed(Variable images)
    {
        float epsilon = Configuration.LayerNormEpsilon;
        Variable x = images.Patches(Configuration.PatchSize);
        if (Configuration.HasPatchNorms)
        {
            x = x.LayerNorm(Find(CheckpointNames.PatchNorm + ".weight"), Find(CheckpointNames.PatchNorm + ".bias"), epsilon);
        }

        x = x.Linear(Find(CheckpointNames.PatchProjection + ".weight"), Find(CheckpointNames.PatchProjection + ".bias"));
        if (Configuration.HasPatchNorms)
        {
            x = x.LayerNorm(Find(CheckpointNames.PatchTokenNorm + ".weight"), Find(CheckpointNames.PatchTokenNorm + ".bias"), epsilon);
        }

        Parameter[] special = Configuration.HasDistillationToken ? [Find(CheckpointNames.ClassToken), Find(CheckpointNames.DistillationToken)] : [Find(CheckpointNames.ClassToken)];
        return x.Tokens(special, Find(CheckpointNames.PositionEmbedding));
    }

    private Variable Head(Variable x, int token, string name)
    {
        Variable row = x.Token(token).LayerNorm(Find(CheckpointNames.Norm + ".weight"), Find(CheckpointNames.Norm + ".bias"), Configuration.LayerNormEpsilon);
        Variable logits = row.Linear(Find(name + ".weight"), Find(name + ".bias"));
        logits.IsRetained = true;
        return logits;
    }

    // Kept branches are multiplied by 1 / (1 - rate), so that the expected sum is that of the evaluation.
    private (float[] First, float[] Second) DropPath(int block, int batch, ForwardPass pass)
    {
        double rate = Configuration.Depth > 1 ? Options.DropPathRate * block / (Configuration.Depth - 1) : Options.DropPathRate;
        if (rate == 0 || pass.Step is not { } step)
        {
            return ([], []);
        }

        float[] first = new float[batch], second = new float[batch];
        for (int item = 0; item < batch; item++)
        {
            RandomStream random = Options.Randomness.Stream("drop path", step, block, pass.FirstImage + item);
            first[item] = random.NextBool(rate) ? 0 : (float)(1 / (1 - rate));
            second[item] = random.NextBool(rate) ? 0 : (float)(1 / (1 - rate));
        }

        return (first, second);
    }
}
