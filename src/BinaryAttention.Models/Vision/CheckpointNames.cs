// The tensors of a ViT or DeiT checkpoint by their published names, with the shapes that a configuration implies:
//
//   cls_token [1, 1, C]   dist_token [1, 1, C]   pos_embed [1, tokens, C]   patch_embed.proj.{weight [C, 3, P, P], bias [C]}
//   patch_embed.{pre_norm, norm}.{weight, bias}: before and after the projection, only in models that came under another naming
//   blocks.N.norm1.{weight, bias}   blocks.N.attn.qkv.{weight [3A, C], bias}   blocks.N.attn.proj.{weight [C, A], bias}   A = C in all official models
//   blocks.N.norm2.{weight, bias}   blocks.N.mlp.fc1.{weight [H, C], bias}     blocks.N.mlp.fc2.{weight [C, H], bias}
//   norm.{weight, bias}   head.{weight [classes, C], bias}   head_dist.{weight, bias}
//   one_bit.N.{weight, bias, temperature}: codes of a calibrated checkpoint, see CalibratedFormReader
//   blocks.N.attn.relative_position_bias_table [offsets + 3, heads]   blocks.N.attn.relative_position_index [tokens, tokens] (a buffer, need not be there)
using BinaryAttention.Formats;
using BinaryAttention.Models.Checkpoints;

namespace BinaryAttention.Models.Vision;

internal static class CheckpointNames
{
    public const string ClassToken = "cls_token";
    public const string DistillationToken = "dist_token";
    public const string PositionEmbedding = "pos_embed";
    public const string PatchProjection = "patch_embed.proj";
    public const string PatchNorm = "patch_embed.pre_norm";
    public const string PatchTokenNorm = "patch_embed.norm";
    public const string Norm = "norm";
    public const string Head = "head";
    public const string DistillationHead = "head_dist";

    private const int LongestList = 200;

    public static string Block(int block, string part) => $"blocks.{block}.{part}";

    public static string RelativeTable(int block) => Block(block, "attn.relative_position_bias_table");

    public static string RelativeIndex(int block) => Block(block, "attn.relative_position_index");

    /// <summary>Compares a checkpoint with what a configuration needs; one exception names what is missing, mis-shaped or too much, up to 200 tensors.</summary>
    /// <exception cref="FileFormatException">Something does not fit.</exception>
    public static void Check(WeightSource source, VisionTransformerConfiguration configuration)
    {
        var problems = new List<string>();
        int count = 0;
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, long[] shape, bool required) in Expected(configuration))
        {
            IReadOnlyList<long>? found = source.FindShape(name);
            if (found is null)
            {
                if (required)
                {
                    Report($"missing {source.StoredName(name)} {Text(shape)}");
                }

                continue;
            }

            known.Add(name);
            if (!found.SequenceEqual(shape))
            {
                Report($"{source.StoredName(name)} has shape {Text(found)}, expected {Text(shape)}");
            }
        }

        foreach (string name in source.TensorNames)
        {
            if (!known.Contains(name))
            {
                string stored = source.StoredName(name);
                Report($"unexpected {(stored.Length > 100 ? string.Concat(stored.AsSpan(0, 100), "...") : stored)}");
            }
        }

        if (count > 0)
        {
            string more = count > problems.Count ? $"; and {count - problems.Count} more" : string.Empty;
            throw new FileFormatException(source.Name, $"the checkpoint does not fit a vision transformer of depth {configuration.Depth}, width {configuration.Width} and {configuration.GridHeight} x {configuration.GridWidth} patches: {string.Join("; ", problems)}{more}. Check that the file is complete, or pass the configuration that it was made for.");
        }

        void Report(string problem)
        {
            count++;
            if (count <= LongestList)
            {
                problems.Add(problem);
            }
        }
    }

    /// <summary>The tensors that a configuration implies; those that are not required may be missing.</summary>
    public static IEnumerable<(string Name, long[] Shape, bool Required)> Expected(VisionTransformerConfiguration configuration)
    {
        long width = configuration.Width, inner = configuration.AttentionWidth, hidden = configuration.HiddenWidth, patch = configuration.PatchSize, tokens = configuration.TokenCount, classes = configuration.ClassCount;
        yield return (ClassToken, [1, 1, width], true);
        if (configuration.HasDistillationToken)
        {
            yield return (DistillationToken, [1, 1, width], true);
        }

        yield return (PositionEmbedding, [1, tokens, width], true);
        yield return (PatchProjection + ".weight", [width, configuration.ChannelCount, patch, patch], true);
        yield return (PatchProjection + ".bias", [width], true);
        if (configuration.HasPatchNorms)
        {
            foreach ((string norm, long length) in new[] { (PatchNorm, configuration.ChannelCount * patch * patch), (PatchTokenNorm, width) })
            {
                yield return (norm + ".weight", [length], true);
                yield return (norm + ".bias", [length], true);
            }
        }

        for (int block = 0; block < configuration.Depth; block++)
        {
            foreach ((string part, long outputs, long inputs) in new[] { ("attn.qkv", 3 * inner, width), ("attn.proj", width, inner), ("mlp.fc1", hidden, width), ("mlp.fc2", width, hidden) })
            {
                yield return (Block(block, part + ".weight"), [outputs, inputs], true);
                if (configuration.HasQueryKeyValueBias || part != "attn.qkv")
                {
                    yield return (Block(block, part + ".bias"), [outputs], true);
                }
            }

            foreach (string norm in new[] { "norm1", "norm2" })
            {
                yield return (Block(block, norm + ".weight"), [width], true);
                yield return (Block(block, norm + ".bias"), [width], true);
            }

            if (configuration.HasRelativePositionBias)
            {
                yield return (RelativeTable(block), [configuration.RelativePositionCount, configuration.HeadCount], true);
                yield return (RelativeIndex(block), [tokens, tokens], false);
            }
        }

        if (configuration.Calibration is { } form)
        {
            foreach ((string name, long[] shape) in CalibratedFormReader.Expected(form, configuration))
            {
                yield return (name, shape, true);
            }
        }

        yield return (Norm + ".weight", [width], true);
        yield return (Norm + ".bias", [width], true);
        foreach (string head in configuration.HasDistillationToken ? new[] { Head, DistillationHead } : [Head])
        {
            yield return (head + ".weight", [classes, width], true);
            yield return (head + ".bias", [classes], true);
        }
    }

    private static string Text(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
