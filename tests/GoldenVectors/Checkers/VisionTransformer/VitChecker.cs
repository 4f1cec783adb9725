// A vision transformer end to end, three ways: fp (exact attention), quant (one-bit, relative bias, 8-bit P and v as in training), qk_only (one-bit, the rest in float).
// Logits, loss and hidden states come from the library's float32 model through its public door; gradients from the double reference model,
// and all of it once more from the training code.
using BinaryAttention;
using BinaryAttention.Models.Vision;

namespace GoldenVectors;

internal sealed class VitChecker : IGoldenChecker
{
    private const double Tolerance = 2e-5;
    private const double QuantTolerance = 2e-4;
    private const double QuantGradientTolerance = 1e-3;

    // Gradients that vanish mathematically hold rounding noise; they are compared against this share of the run's largest gradient at least.
    private const double NoiseShare = 1e-3;

    public bool Handles(GoldenFile file) => file.Case == "vit_io";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        var source = new VitWeightSource(file.Companion(file.Metadata["weights"]));
        VisionTransformer model = VisionTransformer.Load(source);
        int[] labels = file.Input("in/labels").ToIntegers();
        GoldenTensor images = file.Input("in/image");
        foreach ((string run, LayerAttention attention, double tolerance, double gradientTolerance) in new[]
        {
            ("fp", LayerAttention.Exact with { UseRelativeBias = false }, Tolerance, Tolerance),
            ("quant", LayerAttention.OneBit(ValueQuantization.TrainingParity), QuantTolerance, QuantGradientTolerance),
            ("qk_only", LayerAttention.OneBit(ValueQuantization.Full) with { UseRelativeBias = false }, Tolerance, Tolerance),
        })
        {
            Forward(report, run, model.With(new VisionTransformerOptions { Attention = AttentionChoice.All(attention) }), images, labels, file, tolerance);
            Gradients(report, run, model.Configuration, source, attention, images, labels, file, gradientTolerance);
            VitTraining.Compare(report, run, model.Configuration, source, attention, images.ToSingles(), labels, file, (tolerance, gradientTolerance, NoiseShare));
        }

        return report;
    }

    private static void Forward(GoldenReport report, string run, VisionTransformer model, GoldenTensor images, int[] labels, GoldenFile file, double tolerance)
    {
        float[] pixels = images.ToSingles();
        float[] logits = model.Forward(pixels);
        report.RelativeToMaximum($"{run}/logits", logits, tolerance);
        (double loss, _) = LayerReference.CrossEntropy(Array.ConvertAll(logits, static value => (double)value), labels);
        report.RelativeToMaximum($"{run}/loss", [loss], tolerance);
        for (int block = 0; block < model.Configuration.Depth; block++)
        {
            float[] tokens = model.ForwardHiddenState(pixels, block);
            CompareTokens(report, file, $"{run}/block{block}_cls", tokens, 1, labels.Length, model.Configuration, tolerance);
            CompareTokens(report, file, $"{run}/block{block}_out_first_tokens", tokens, 6, labels.Length, model.Configuration, tolerance);
        }
    }

    private static void CompareTokens(GoldenReport report, GoldenFile file, string name, float[] tokens, int count, int batch, VisionTransformerConfiguration configuration, double tolerance)
    {
        if (!file.Has(name))
        {
            return;
        }

        int item = configuration.TokenCount * configuration.Width, length = count * configuration.Width;
        float[] first = [.. Enumerable.Range(0, batch).SelectMany(index => tokens.AsSpan(index * item, length).ToArray())];
        report.RelativeToMaximum(name, first, tolerance);
    }

    private static void Gradients(GoldenReport report, string run, VisionTransformerConfiguration configuration, VitWeightSource source, LayerAttention attention, GoldenTensor images, int[] labels, GoldenFile file, double tolerance)
    {
        string[] names = [.. file.Names.Where(name => name.StartsWith($"{run}/grad", StringComparison.Ordinal))];
        if (names.Length == 0)
        {
            return;
        }

        var parameters = new VitReferenceParameters(source.ReadDoubles);
        var reference = new VitReferenceModel(parameters, configuration, block => (attention.Binary ?? new AttentionOptions()) with
        {
            Bias = attention.UseRelativeBias
                ? AttentionBias.RelativePosition(source.ReadSingles(CheckpointNames.RelativeTable(block)), configuration.HeadCount, configuration.GridHeight, configuration.GridWidth)
                : null,
        });
        reference.Run(images.Values, labels);
        foreach (string name in names)
        {
            // "run/grad/parameter" whole, "run/grad_first_rows/parameter" cut to the file's length.
            double[] gradient = parameters.Gradient(name.Split('/', 3)[2]);
            report.RelativeToMaximum(name, gradient.AsSpan(0, Math.Min(gradient.Length, file.Peek(name).Count)), tolerance, NoiseShare * parameters.LargestGradient);
        }
    }
}
