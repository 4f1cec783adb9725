namespace BinaryAttention.Models.Tests.Vision;

/// <summary>Which of the names that vit-pytorch used over time a checkpoint has, and the sizes of its model.</summary>
/// <param name="IsWrapped">Parts of a block are wrapped ("fn"), their norms outside.</param>
/// <param name="HasPatchNorms">Layer norms stand before and after the patch projection.</param>
/// <param name="NormInHead">The last norm belongs to the head, else to the transformer.</param>
/// <param name="HasLeadingOne">Class token and positions begin with a dimension of length 1.</param>
/// <param name="Channels">Colour channels.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="HeadDimension">Channels of a head.</param>
/// <param name="IsRelu">ReLU instead of GELU.</param>
internal sealed record VitPytorchLayout(bool IsWrapped, bool HasPatchNorms, bool NormInHead, bool HasLeadingOne, int Channels, int Heads, int HeadDimension, bool IsRelu)
{
    public const int Side = 12, Patch = 3, Width = 32, Hidden = 40, Depth = 2, Classes = 5;

    public static int Patches => Side / Patch * (Side / Patch);

    /// <summary>A single head as wide as the model has no output projection.</summary>
    public bool HasProjection => Heads > 1 || HeadDimension != Width;

    public string Projection => HasPatchNorms ? "to_patch_embedding.2" : "to_patch_embedding.1";

    public string Norm => NormInHead ? "mlp_head.0" : "transformer.norm";

    public string Head => NormInHead ? "mlp_head.1" : "mlp_head";

    /// <summary>First norm, fused projection, output projection, second norm and the two layers of the perceptron of a block.</summary>
    public (string Norm1, string Qkv, string Out, string Norm2, string Expand, string Contract) Block(int block)
    {
        string at = $"transformer.layers.{block}.";
        return IsWrapped
            ? (at + "0.norm", at + "0.fn.to_qkv", at + "0.fn.to_out.0", at + "1.norm", at + "1.fn.net.0", at + "1.fn.net.3")
            : (at + "0.norm", at + "0.to_qkv", at + "0.to_out.0", at + "1.net.0", at + "1.net.1", at + "1.net.4");
    }
}
