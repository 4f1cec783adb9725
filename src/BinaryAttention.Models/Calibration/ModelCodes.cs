using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Calibration;

/// <summary>The codes of all layers of a model.</summary>
/// <param name="Form">What a checkpoint with them holds.</param>
/// <param name="Layers">One entry for each layer that is not kept exact.</param>
/// <param name="Options">How they were found.</param>
/// <param name="ImageCount">From how many images.</param>
public sealed record ModelCodes(CalibratedForm Form, IReadOnlyList<LayerCodes> Layers, CalibrationOptions Options, int ImageCount)
{
    /// <summary>The checkpoint with these codes, as <see cref="VisionTransformer.Load(WeightSource, VisionTransformerConfiguration?, VisionTransformerOptions?, CheckpointOptions?)"/> takes it.</summary>
    /// <param name="weights">The checkpoint that was calibrated.</param>
    /// <param name="checkpoint">As it was loaded; the prefix is used here and must not be given again.</param>
    public WeightSource ApplyTo(WeightSource weights, CheckpointOptions? checkpoint = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return new CodesWeightSource(VitPytorchSource.Adapt(ModelPrefix.Select(weights, checkpoint?.Prefix), checkpoint?.ChannelCount), this);
    }

    /// <summary>The same codes without those of some layers, which stay exact.</summary>
    /// <param name="layers">Layers, from 0.</param>
    /// <exception cref="ArgumentException">No layer with codes would be left.</exception>
    public ModelCodes Without(IReadOnlyCollection<int> layers)
    {
        ModelCodes left = Remove(layers);
        return left with { Options = Options with { ExactLayers = [.. Options.ExactLayers.Union(layers).Order()] } };
    }

    /// <summary>The same codes without those of some layers, whose queries and keys become 8-bit numbers.</summary>
    /// <param name="layers">Layers, from 0.</param>
    /// <exception cref="ArgumentException">No layer with codes would be left.</exception>
    public ModelCodes InEightBits(IReadOnlyCollection<int> layers)
    {
        ModelCodes left = Remove(layers);
        int[] all = [.. Options.EightBitLayers.Union(layers).Order()];
        return left with { Options = Options with { EightBitLayers = all }, Form = left.Form with { EightBitLayers = all } };
    }

    private ModelCodes Remove(IReadOnlyCollection<int> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        LayerCodes[] left = [.. Layers.Where(layer => !layers.Contains(layer.Layer))];
        return left.Length > 0
            ? this with { Layers = left, Form = Form with { Layers = [.. left.Select(static layer => layer.Layer)] } }
            : throw new ArgumentException($"layers is {string.Join(", ", layers)}; some of the {Layers.Count} layers with codes must be left.", nameof(layers));
    }
}
