using System.Text.Json;
using Xunit;

namespace BinaryAttention.Formats.Tests.Images;

/// <summary>The golden folder: paths of its files and the cases its manifest lists.</summary>
internal static class GoldenImages
{
    private static readonly Lazy<JsonDocument> ManifestFile = new(() => JsonDocument.Parse(File.ReadAllText(PathOf("manifest.json"))));

    public static JsonElement Manifest => ManifestFile.Value.RootElement;

    public static string PathOf(string relativePath) => Path.Combine(AppContext.BaseDirectory, "Data", "images_golden", relativePath);

    public static string PhotoPath(string name) => Path.Combine(AppContext.BaseDirectory, "Data", "photos", name);

    public static byte[] Read(string relativePath) => File.ReadAllBytes(PathOf(relativePath));

    /// <summary>The manifest's entries for PNG files with the expected outcome given.</summary>
    public static IEnumerable<JsonElement> PngCases(string expected) => Manifest.GetProperty("images").EnumerateArray()
        .Where(entry => entry.GetProperty("file").GetString()!.EndsWith(".png", StringComparison.Ordinal))
        .Where(entry => entry.GetProperty("expected").GetString() == expected);

    public static TheoryData<string> PngFiles(string expected) => new(PngCases(expected).Select(entry => entry.GetProperty("file").GetString()!));
}
