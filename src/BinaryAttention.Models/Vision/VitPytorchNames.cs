// The names that the library vit-pytorch gives the tensors of its ViT, against the official ones that the rest of this folder uses. Three of its parts changed over time;
// each is told by the file, so that every combination loads. Left the official name, right the stored one; ".weight" and ".bias" follow.
namespace BinaryAttention.Models.Vision;

/// <summary>A map between official names and those of one file. It only renames: what else differs is undone in <see cref="VitPytorchSource"/>.</summary>
internal sealed class VitPytorchNames
{
    public const string PatchPrefix = "to_patch_embedding.";

    private const string OurBlocks = "blocks.", TheirBlocks = "transformer.layers.";

    private static readonly (string Ours, string Theirs)[] Always = [("cls_token", "cls_token"), ("pos_embed", "pos_embedding")];

    // Patches are unfolded by module 0, which has no tensors; then projected, later with a layer norm before and after.
    private static readonly (string Ours, string Theirs)[] PlainPatches = [("patch_embed.proj", "to_patch_embedding.1")];

    private static readonly (string Ours, string Theirs)[] NormalisedPatches =
        [("patch_embed.pre_norm", "to_patch_embedding.1"), ("patch_embed.proj", "to_patch_embedding.2"), ("patch_embed.norm", "to_patch_embedding.3")];

    // Blocks: first each part wrapped (a norm and the part itself, "fn"), later with its norm inside.
    private static readonly (string Ours, string Theirs)[] WrappedBlock =
    [
        ("norm1", "0.norm"), ("attn.qkv", "0.fn.to_qkv"), ("attn.proj", "0.fn.to_out.0"),
        ("norm2", "1.norm"), ("mlp.fc1", "1.fn.net.0"), ("mlp.fc2", "1.fn.net.3"),
    ];

    private static readonly (string Ours, string Theirs)[] FlatBlock =
    [
        ("norm1", "0.norm"), ("attn.qkv", "0.to_qkv"), ("attn.proj", "0.to_out.0"),
        ("norm2", "1.net.0"), ("mlp.fc1", "1.net.1"), ("mlp.fc2", "1.net.4"),
    ];

    // The last norm: first in the head, later at the end of the transformer.
    private static readonly (string Ours, string Theirs)[] NormInHead = [("norm", "mlp_head.0"), ("head", "mlp_head.1")];

    private static readonly (string Ours, string Theirs)[] NormInTransformer = [("norm", "transformer.norm"), ("head", "mlp_head")];

    private readonly (string Ours, string Theirs)[] _block;
    private readonly (string Ours, string Theirs)[] _outside;

    /// <summary>Chooses the map of a file by the names in it.</summary>
    public VitPytorchNames(IReadOnlyCollection<string> stored)
    {
        HasPatchNorms = stored.Contains("to_patch_embedding.2.weight", StringComparer.Ordinal);
        _block = stored.Any(static name => name.StartsWith(TheirBlocks, StringComparison.Ordinal) && name.Contains(".fn.", StringComparison.Ordinal)) ? WrappedBlock : FlatBlock;
        _outside = [.. Always, .. HasPatchNorms ? NormalisedPatches : PlainPatches, .. stored.Contains("transformer.norm.weight", StringComparer.Ordinal) ? NormInTransformer : NormInHead];
    }

    /// <summary>Whether the file normalises patches round their projection.</summary>
    public bool HasPatchNorms { get; }

    /// <summary>Whether names are those of vit-pytorch: its patches or blocks are there, and none of the official ones.</summary>
    public static bool Fit(IReadOnlyCollection<string> stored) =>
        stored.Any(static name => name.StartsWith(PatchPrefix, StringComparison.Ordinal) || name.StartsWith(TheirBlocks, StringComparison.Ordinal))
        && !stored.Any(static name => name.StartsWith("patch_embed.", StringComparison.Ordinal) || name.StartsWith(OurBlocks, StringComparison.Ordinal));

    /// <summary>The stored name of an official one; a name that the map does not hold stays.</summary>
    public string ToTheirs(string ours) => Rename(ours, OurBlocks, TheirBlocks, _block, _outside);

    /// <summary>The official name of a stored one; a name that the map does not hold stays.</summary>
    public string ToOurs(string theirs) => Rename(theirs, TheirBlocks, OurBlocks, Array.ConvertAll(_block, Swap), Array.ConvertAll(_outside, Swap));

    private static (string Ours, string Theirs) Swap((string Ours, string Theirs) pair) => (pair.Theirs, pair.Ours);

    private static string Rename(string name, string blocksFrom, string blocksTo, (string From, string To)[] block, (string From, string To)[] outside)
    {
        string ending = name.EndsWith(".weight", StringComparison.Ordinal) ? ".weight" : name.EndsWith(".bias", StringComparison.Ordinal) ? ".bias" : string.Empty;
        string stem = name[..^ending.Length];
        string start = string.Empty, startTo = string.Empty;
        (string From, string To)[] map = outside;
        if (stem.StartsWith(blocksFrom, StringComparison.Ordinal) && stem.IndexOf('.', blocksFrom.Length) is var dot and > 0)
        {
            (start, startTo, map) = (stem[..(dot + 1)], $"{blocksTo}{stem.AsSpan(blocksFrom.Length, dot + 1 - blocksFrom.Length)}", block);
        }

        foreach ((string from, string to) in map)
        {
            if (stem.AsSpan(start.Length).SequenceEqual(from))
            {
                return $"{startTo}{to}{ending}";
            }
        }

        return name;
    }
}
