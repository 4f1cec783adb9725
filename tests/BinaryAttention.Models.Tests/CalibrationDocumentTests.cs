// The example of docs/calibration.md compiles: it is the one below, line for line.
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Calibration;
using BinaryAttention.Models.Checkpoints;
using BinaryAttention.Models.Vision;
using TestKit;
using Xunit;

namespace BinaryAttention.Models.Tests;

public sealed class CalibrationDocumentTests
{
    private const string Source = "tests/BinaryAttention.Models.Tests/CalibrationDocumentTests.cs";

    [Fact]
    public void Example_IsTheOneThatIsCompiledHere()
    {
        string[] page = File.ReadAllLines(RepositoryFolder.PathOf("docs/calibration.md"));
        int start = Array.IndexOf(page, "```csharp") + 1;
        string[] example = [.. page[start..Array.IndexOf(page, "```", start)].Where(line => line.Length > 0 && !line.StartsWith("using Binary", StringComparison.Ordinal)).Select(line => line.Trim())];
        string[] here = [.. File.ReadAllLines(RepositoryFolder.PathOf(Source)).Select(line => line.Trim())];
        int first = Array.IndexOf(here, example[0]);
        Assert.True(first >= 0, $"{Source} has no line \"{example[0]}\"; change both together.");
        Assert.Equal(example, here[first..].Where(line => line.Length > 0).Take(example.Length), StringComparer.Ordinal);
    }

    internal static VisionTransformer Example()
    {
        const string path = "samples/models/deit_tiny_patch16_224.f16.safetensors";
        using var file = TensorFile.Open(path);
        var weights = WeightSource.FromTensorFile(file, path);
        VisionTransformer model = VisionTransformer.Load(weights);
        string[] photographs = Directory.GetFiles("samples/photos", "*.png");

        var calibrator = new VisionTransformerCalibrator(model, weights, new CalibrationOptions { Recipe = CalibrationRecipe.ClosedForm });
        ModelCodes codes = calibrator.Run(photographs.Length, index => ImagePreprocessing.DeiT.Apply(ImageDecoder.DecodeFile(photographs[index])));
        VisionTransformer oneBit = VisionTransformer.Load(codes.ApplyTo(weights), options: new VisionTransformerOptions { Attention = AttentionChoice.All(LayerAttention.Calibrated) });
        return oneBit;
    }
}
