using System.Text.Json;

namespace BinaryAttention.Formats.Tests.Images.Jpeg;

/// <summary>The JPEG cases of Data/images_golden/manifest.json and the files that only look like pictures.</summary>
internal static class GoldenJpegs
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Data", "images_golden");

    public static IReadOnlyList<JsonElement> Cases { get; } = ReadCases();

    /// <summary>Names of the files the manifest wants decoded and of those with an array although refusing them is allowed.</summary>
    public static IEnumerable<string> Decodable =>
        Cases.Where(c => c.TryGetProperty("npy", out _)).Select(Name).Where(name => !name.Contains("arithmetic", StringComparison.Ordinal));

    public static IEnumerable<string> Names => Cases.Select(Name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(Folder, name));

    public static JsonElement Case(string name) => Cases.Single(c => Name(c) == name);

    private static string Name(JsonElement image) => image.GetProperty("file").GetString()!;

    private static List<JsonElement> ReadCases()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "manifest.json")));
        return [.. manifest.RootElement.GetProperty("images").EnumerateArray()
            .Where(image => Name(image).StartsWith("jpeg_", StringComparison.Ordinal) || Name(image) is "gif_20x16.gif" or "text_named.jpg")
            .Select(image => image.Clone())];
    }
}
