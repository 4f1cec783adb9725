// A golden state dictionary: the library's file reader must give the same numbers as this suite's, its configuration reader must find the model's sizes in it, and its
// names and order of relative positions must be the official ones.
using BinaryAttention.Formats.Checkpoints;
using BinaryAttention.Models.Vision;

namespace GoldenVectors;

internal sealed class VitWeightsChecker : IGoldenChecker
{
    public bool Handles(GoldenFile file) => file.Case == "vit_weights";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        var source = new VitWeightSource(file);
        VisionTransformerConfiguration configuration = ConfigurationReader.Read(source);
        Expect(file, report, "embed_dim", configuration.Width);
        Expect(file, report, "num_heads", configuration.HeadCount);
        Expect(file, report, "depth", configuration.Depth);
        Expect(file, report, "num_classes", configuration.ClassCount);
        Expect(file, report, "patch", configuration.PatchSize);
        string[] official = [.. file.MetadataJson("state_dict_order").EnumerateArray().Select(name => name.GetString()!)];
        if (!official.Where(name => source.FindShape(name) is not null).Order(StringComparer.Ordinal).SequenceEqual(source.TensorNames.Order(StringComparer.Ordinal), StringComparer.Ordinal))
        {
            report.Fail("state_dict_order", "the file has names that the official state dictionary does not have");
        }

        CheckpointNames.Check(source, configuration);
        for (int block = 0; block < configuration.Depth; block++)
        {
            // A buffer that the largest file leaves out.
            if (file.Has(CheckpointNames.RelativeIndex(block)))
            {
                report.ExactIntegers(CheckpointNames.RelativeIndex(block), RelativePositionIndex.Create(configuration.GridHeight, configuration.GridWidth));
            }
        }

        using var stored = SafeTensorsFile.Open(file.FullPath);
        foreach (string name in file.Names.Where(name => !name.EndsWith("relative_position_index", StringComparison.Ordinal)))
        {
            report.Absolute(name, stored.ReadDoubles(name), 0);
        }

        return report;
    }

    private static void Expect(GoldenFile file, GoldenReport report, string key, int actual)
    {
        if (file.MetadataInt(key) != actual)
        {
            report.Fail(key, FormattableString.Invariant($"the configuration reader found {actual}, the metadata says {file.MetadataInt(key)}"));
        }
    }
}
