// A checkpoint of vit-pytorch as one with the official names and shapes:
//
//   patch projection [C, P * P * channels]  ->  [C, channels, P, P]     stored (y, x, channel), as is the norm before it; a convolution has (channel, y, x)
//   cls_token [1, C], pos_embedding [tokens, C]  ->  [1, ...]           recent versions leave the first dimension out
//   no to_out at all  ->  the identity                                  a single head as wide as the model has no output projection
using System.Globalization;
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Vision;

internal sealed class VitPytorchSource : WeightSource
{
    private readonly WeightSource _stored;
    private readonly VitPytorchNames _names;
    private readonly bool _lacksProjection;
    private readonly int _channels, _patchSize;

    private VitPytorchSource(WeightSource stored, VitPytorchNames names, int? channels)
    {
        (_stored, _names) = (stored, names);
        bool isSquare = FindShape(CheckpointNames.Block(0, "attn.qkv.weight")) is [long outputs, long inputs] && outputs == 3 * inputs;
        _lacksProjection = isSquare && !stored.TensorNames.Any(static name => name.Contains(".to_out.", StringComparison.Ordinal));
        Metadata = _lacksProjection ? new Dictionary<string, string>(stored.Metadata, StringComparer.Ordinal) { ["num_heads"] = "1" } : stored.Metadata;
        RefuseMeanPooling();
        (_channels, _patchSize) = PatchSides(channels ?? StoredChannels());
    }

    public override string Name => _stored.Name;

    public override IEnumerable<string> TensorNames => _stored.TensorNames.Select(_names.ToOurs);

    public override IReadOnlyDictionary<string, string> Metadata { get; }

    internal override float UsualLayerNormEpsilon => 1e-5f;

    internal override bool HasFreeAttentionWidth => true;

    /// <summary>The source itself, or its view with official names if its names are those of vit-pytorch.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="channels">Colour channels; null to tell them by the metadata "channels" or the patch projection.</param>
    /// <exception cref="FileFormatException">The model of the file pools its tokens, or the patches of its projection cannot be square.</exception>
    public static WeightSource Adapt(WeightSource source, int? channels)
    {
        string[] stored = [.. source.TensorNames];
        return VitPytorchNames.Fit(stored) ? new VitPytorchSource(source, new VitPytorchNames(stored), channels) : source;
    }

    public override IReadOnlyList<long>? FindShape(string name)
    {
        if (StandsForIdentity(name, out bool isWeight))
        {
            return FindShape(CheckpointNames.ClassToken) is [.., long width] ? (isWeight ? [width, width] : [width]) : null;
        }

        IReadOnlyList<long>? shape = _stored.FindShape(_names.ToTheirs(name));
        return (name, shape) switch
        {
            (CheckpointNames.PatchProjection + ".weight", [long width, _]) when _patchSize > 0 => [width, _channels, _patchSize, _patchSize],
            (CheckpointNames.ClassToken or CheckpointNames.PositionEmbedding, [long rows, long width]) => [1, rows, width],
            _ => shape,
        };
    }

    public override float[] ReadSingles(string name)
    {
        if (StandsForIdentity(name, out bool isWeight))
        {
            int width = (int)FindShape(name)![0];
            var values = new float[isWeight ? width * width : width];
            for (int i = 0; isWeight && i < width; i++)
            {
                values[(i * width) + i] = 1;
            }

            return values;
        }

        float[] read = _stored.ReadSingles(_names.ToTheirs(name));
        return name is CheckpointNames.PatchProjection + ".weight" or CheckpointNames.PatchNorm + ".weight" or CheckpointNames.PatchNorm + ".bias" ? ChannelsFirst(read) : read;
    }

    public override long[] ReadIntegers(string name) => _stored.ReadIntegers(_names.ToTheirs(name));

    internal override string StoredName(string name) => _stored.StoredName(_names.ToTheirs(name));

    /// <summary>Reorders patches (y, x, channel) to (channel, y, x).</summary>
    private float[] ChannelsFirst(float[] values)
    {
        int pixels = _patchSize * _patchSize, patch = _channels * pixels;
        var result = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int within = i % patch, channel = within % _channels, pixel = within / _channels;
            result[i - within + (channel * pixels) + pixel] = values[i];
        }

        return result;
    }

    private bool StandsForIdentity(string name, out bool isWeight)
    {
        isWeight = name.EndsWith(".attn.proj.weight", StringComparison.Ordinal);
        return _lacksProjection && (isWeight || name.EndsWith(".attn.proj.bias", StringComparison.Ordinal));
    }

    private void RefuseMeanPooling()
    {
        if (FindShape(CheckpointNames.ClassToken) is [_, 0, _])
        {
            throw new FileFormatException(Name, $"{StoredName(CheckpointNames.ClassToken)} is empty: the model averages its tokens (pool 'mean'). Only models that read a class token are run.");
        }
    }

    // A matrix says only how long a patch is. 3 * p * p and 1 * p * p are never the same number.
    private int? StoredChannels() => !_stored.Metadata.TryGetValue(ConfigurationReader.ChannelsKey, out string? text)
        ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int channels) && channels > 0
            ? channels
            : throw new FileFormatException(Name, $"the metadata says {ConfigurationReader.ChannelsKey} \"{text}\"; a whole number of at least 1 is expected.");

    private (int Channels, int Side) PatchSides(int? asked)
    {
        const string projection = CheckpointNames.PatchProjection + ".weight";
        if (_stored.FindShape(_names.ToTheirs(projection)) is not [_, > 0 and <= int.MaxValue and long length])
        {
            return (0, 0);
        }

        foreach (int channels in asked is { } count ? [count] : new[] { 3, 1 })
        {
            long side = channels > 0 && length % channels == 0 ? (long)Math.Round(Math.Sqrt((double)length / channels)) : 0;
            if (side > 0 && side * side * channels == length)
            {
                return (channels, (int)side);
            }
        }

        string tried = asked is { } wanted ? $"ChannelCount {wanted}" : "3 channels or 1";
        throw new FileFormatException(Name, $"{StoredName(projection)} takes patches of {length} values, which with {tried} are no squares. Give the ChannelCount that the model was made for.");
    }
}
