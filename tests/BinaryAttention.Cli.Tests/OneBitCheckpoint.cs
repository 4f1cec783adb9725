using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;

namespace BinaryAttention.Cli.Tests;

/// <summary>A tiny checkpoint with relative-position tables, as training with one-bit attention leaves behind: 32 x 32 pixels, 4 patches, 64 channels, 5 classes.</summary>
internal static class OneBitCheckpoint
{
    public const int ImageSize = 32;

    private const int Width = 64, Hidden = 128, Patch = 16, Tokens = 5, Classes = 5;

    public static string Write(TemporaryFolder folder)
    {
        var tensors = new List<TensorToWrite>();
        Add("cls_token", 1, 1, Width);
        Add("pos_embed", 1, Tokens, Width);
        Add("patch_embed.proj.weight", Width, 3, Patch, Patch);
        Add("patch_embed.proj.bias", Width);
        Norm("blocks.0.norm1");
        Linear("blocks.0.attn.qkv", 3 * Width, Width);
        Linear("blocks.0.attn.proj", Width, Width);
        Add("blocks.0.attn.relative_position_bias_table", (3 * 3) + 3, 1);
        Norm("blocks.0.norm2");
        Linear("blocks.0.mlp.fc1", Hidden, Width);
        Linear("blocks.0.mlp.fc2", Width, Hidden);
        Norm("norm");
        Linear("head", Classes, Width);
        string path = folder["one_bit.safetensors"];
        SafeTensorsWriter.Write(path, tensors);
        return path;

        void Add(string name, params long[] shape)
        {
            // Any values that differ will do.
            var values = new float[shape.Aggregate(1L, static (product, length) => product * length)];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = 0.1f * MathF.Sin(i + tensors.Count);
            }

            tensors.Add(TensorToWrite.FromSingles(name, shape, values));
        }

        void Norm(string name)
        {
            Add(name + ".weight", Width);
            Add(name + ".bias", Width);
        }

        void Linear(string name, int outputs, int inputs)
        {
            Add(name + ".weight", outputs, inputs);
            Add(name + ".bias", outputs);
        }
    }
}
