using System.Text.Json;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>One resize case of the golden manifest. Grey sources ([height, width]) are also given to the RGB resizer, repeated over the channels.</summary>
internal sealed record ResizeCase(NpyArray Source, ResizeFilter Filter, int Width, int Height, NpyArray ExpectedBytes, NpyArray ExpectedFloats)
{
    public int ChannelCount => Source.Shape.Length == 3 ? Source.Shape[2] : 1;

    public static ResizeCase Read(JsonElement entry) => new(
        NpyArray.Read(GoldenImages.PathOf(entry.GetProperty("source").GetString()!)),
        Enum.Parse<ResizeFilter>(entry.GetProperty("filter").GetString()!, ignoreCase: true),
        entry.GetProperty("width").GetInt32(),
        entry.GetProperty("height").GetInt32(),
        NpyArray.Read(GoldenImages.PathOf(entry.GetProperty("u8").GetString()!)),
        NpyArray.Read(GoldenImages.PathOf(entry.GetProperty("f32").GetString()!)));

    public RgbImage SourceImage() => new(Source.Shape[1], Source.Shape[0], ToRgb(Source));

    public static byte[] ToRgb(NpyArray array) => array.Shape.Length == 3 ? array.Bytes() : [.. array.Bytes().SelectMany(static grey => new[] { grey, grey, grey })];
}
