// Exact against one-bit attention of one model over a folder of pictures: figures of every head, then the search for the layers to keep exact, then pictures of the
// maps. Pictures are read again for each of these, so that memory does not grow with their number.
using BinaryAttention.Cli.Console;
using BinaryAttention.Formats;
using BinaryAttention.Formats.Datasets;
using BinaryAttention.Formats.Images;
using BinaryAttention.Models.Metrics;
using BinaryAttention.Models.Reports;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Cli.Recognition;

internal sealed class ModelComparison
{
    /// <summary>Photographs on the page; more would make it slow to open.</summary>
    public const int MaxPictures = 6;

    // Cells along a side of a whole map on the page.
    private const int MapSide = 256;

    private readonly CliContext _context;
    private readonly Recognizer _recognizer;
    private readonly ComparisonRequest _request;
    private readonly AttentionChoice _binary;
    private readonly ImagePreprocessing _preprocessing;

    public ModelComparison(CliContext context, Recognizer recognizer, ComparisonRequest request)
    {
        (_context, _recognizer, _request) = (context, recognizer, request);
        _binary = AttentionChoice.All(LayerAttention.OneBit(new BinaryAttentionOptions { Weighting = request.Weighting, Quantization = request.Quantization }));
        _preprocessing = recognizer.DefaultPreprocessing();
        VisionTransformerConfiguration sizes = recognizer.Model.Configuration;
        if (request.Map is (int layer, int head) && (layer >= sizes.Depth || head >= sizes.HeadCount))
        {
            throw new BadInputException($"--map is {layer}.{head}; the model has layers 0 to {sizes.Depth - 1} and heads 0 to {sizes.HeadCount - 1}.");
        }
    }

    /// <summary>Compares over the first pictures of a folder.</summary>
    public Comparison Run(IReadOnlyList<LabelledImage> images, int found)
    {
        var fidelity = new VisionTransformerFidelity(_recognizer.Model, _binary);
        var search = new SensitivitySearch(_recognizer.Model, _binary, _request.ExactLayers);
        var readable = new List<LabelledImage>();
        Comparison? result = null;
        int pictures = _request.WithPictures ? Math.Min(MaxPictures, images.Count) : 0;
        int runsPerImage = 1 + search.RunsPerImage;
        ProgressReport.Run(_context, "comparing", (images.Count * runsPerImage) + pictures, advance =>
        {
            foreach (LabelledImage image in images)
            {
                if (Measure(image, fidelity))
                {
                    readable.Add(image);
                    advance();
                    continue;
                }

                for (int run = 0; run < runsPerImage; run++)
                {
                    advance();
                }
            }

            if (readable.Count == 0)
            {
                throw new BadInputException($"none of the {images.Count} pictures could be read; there is nothing to report.");
            }

            SensitivityReport sensitivity = search.Run(readable.Count, index => PictureReader.Read(readable[index].Path, _preprocessing), advance, _context.Cancellation);
            HeadFidelity[][] layers = [.. Enumerable.Range(0, fidelity.LayerCount).Select(layer => (HeadFidelity[])[.. Enumerable.Range(0, fidelity.HeadCount).Select(head => fidelity.Mean(layer, head))])];
            result = new Comparison(found, readable.Count, images.Count - readable.Count, layers, sensitivity, Pictures(readable, pictures, layers, advance), _recognizer.IsTrainedOneBit);
        });
        return result!;
    }

    private bool Measure(LabelledImage image, VisionTransformerFidelity fidelity)
    {
        _context.Cancellation.ThrowIfCancellationRequested();
        float[] pixels;
        try
        {
            pixels = PictureReader.Read(image.Path, _preprocessing);
        }
        catch (FileFormatException problem)
        {
            // The other pictures are still worth their figures.
            _context.Report(PlainMessage.Of(problem));
            return false;
        }

        _recognizer.RequireFinite(fidelity.Add(pixels, _context.Cancellation));
        return true;
    }

    private List<FidelityPicture> Pictures(List<LabelledImage> readable, int count, HeadFidelity[][] layers, Action advance)
    {
        var pictures = new List<FidelityPicture>();
        VisionTransformerConfiguration sizes = _recognizer.Model.Configuration;
        foreach (LabelledImage image in readable.Take(count))
        {
            float[] pixels = PictureReader.Read(image.Path, _preprocessing);
            (int Layer, int Head)[] heads = pictures.Count > 0 ? [] : _request.Map is { } map ? [map] : Extremes(layers);
            VisionTransformerMaps maps = VisionTransformerMaps.Capture(_recognizer.Model, _binary, pixels, heads, MapSide, _context.Cancellation);
            pictures.Add(new FidelityPicture(image.RelativePath, PhotographPixels.Of(pixels, _preprocessing), sizes.GridHeight, sizes.GridWidth, maps));
            advance();
        }

        return pictures;
    }

    /// <summary>The heads that are hit least and most.</summary>
    private static (int Layer, int Head)[] Extremes(HeadFidelity[][] layers)
    {
        (int Layer, int Head)[] ranked =
        [
            .. from layer in Enumerable.Range(0, layers.Length)
               from head in Enumerable.Range(0, layers[layer].Length)
               orderby layers[layer][head].MapDivergence
               select (layer, head),
        ];
        return [ranked[0], ranked[^1]];
    }
}
