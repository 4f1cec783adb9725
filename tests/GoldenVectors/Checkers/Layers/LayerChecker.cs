// The basic layers. Those that the library has run in its float32 code, with gradients from the double reference; the others are left out by name.
using BinaryAttention.Models.Layers;
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Vision;
using BinaryAttention.Reference;

namespace GoldenVectors;

internal sealed class LayerChecker : IGoldenChecker
{
    private const double Tolerance = 5e-6;

    private static readonly Dictionary<string, string> NotBuilt = new(StringComparer.Ordinal)
    {
        ["affine_grid"] = "the library has no sampling grids",
        ["batchnorm"] = "the library has no batch normalisation yet",
        ["conv2d_grouped"] = "the library has no general convolution yet; the patch embedding is checked",
        ["conv2d_k"] = "the library has no general convolution yet; the patch embedding is checked",
        ["conv3d"] = "the library has no three-dimensional convolution yet",
        ["conv_transpose"] = "the library has no transposed convolution yet",
        ["embedding"] = "the library has no lookup embedding yet",
        ["pixel_"] = "the library has no pixel shuffle yet",
        ["resize_nearest"] = "the library has no nearest-neighbour volume resize yet",
        ["tanh"] = "the library has no tanh layer yet",
    };

    public bool Handles(GoldenFile file) => file.Case == "layers";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        foreach (IGrouping<string, string> group in file.Names.GroupBy(name => name.Split('/')[0], StringComparer.Ordinal))
        {
            switch (group.Key)
            {
                case "linear": Linear(file, report); break;
                case "gelu": Gelu(file, report); break;
                case "relu": LayerTraining.Activation(file, report, "relu"); break;
                case "softmax": Softmax(file, report); break;
                case "log_softmax": LogSoftmax(file, report); break;
                case "conv2d_patch": Patches(file, report); break;
                case string layer when layer.StartsWith("layernorm", StringComparison.Ordinal): LayerNorm(file, report, layer); break;
                case string layer when layer.StartsWith("resize_bi", StringComparison.Ordinal): Resize(file, report, layer); break;
                default: LeaveOut(report, group); break;
            }
        }

        return report;
    }

    private static void Linear(GoldenFile file, GoldenReport report)
    {
        GoldenTensor x = file.Input("linear/in"), weight = file.Input("linear/w/weight"), bias = file.Input("linear/w/bias"), gradient = file.Input("linear/grad_out");
        int inputs = weight.Shape[1], outputs = weight.Shape[0], rows = x.Count / inputs;
        var y = new float[rows * outputs];
        new Linear(weight.ToSingles(), bias.ToSingles(), outputs, inputs).Forward(x.ToSingles(), y, rows);
        report.RelativeToMaximum("linear/out", y, Tolerance);
        double[] weightGradient = new double[weight.Count], biasGradient = new double[outputs];
        report.RelativeToMaximum("linear/grad_in", LayerReference.LinearBackward(x.Values, weight.Values, gradient.Values, inputs, weightGradient, biasGradient), Tolerance);
        report.RelativeToMaximum("linear/grad/weight", weightGradient, Tolerance);
        report.RelativeToMaximum("linear/grad/bias", biasGradient, Tolerance);
        LayerTraining.Linear(file, report);
    }

    private static void LayerNorm(GoldenFile file, GoldenReport report, string layer)
    {
        // The constant row was made with 1e-12, so that any error of the mean would show a million times enlarged.
        double epsilon = layer switch { "layernorm_eps1e-5" => 1e-5, "layernorm_eps1e-6" => 1e-6, _ => 1e-12 };
        GoldenTensor x = file.Input($"{layer}/in"), weight = file.Input($"{layer}/w/weight"), bias = file.Input($"{layer}/w/bias"), gradient = file.Input($"{layer}/grad_out");
        var y = new float[x.Count];
        new LayerNorm(weight.ToSingles(), bias.ToSingles(), (float)epsilon).Forward(x.ToSingles(), y, x.Count / weight.Count);
        report.RelativeToMaximum($"{layer}/out", y, Tolerance);
        double[] weightGradient = new double[weight.Count], biasGradient = new double[weight.Count];
        report.RelativeToMaximum($"{layer}/grad_in", LayerReference.LayerNormBackward(x.Values, weight.Values, gradient.Values, epsilon, weightGradient, biasGradient), Tolerance);
        report.RelativeToMaximum($"{layer}/grad/weight", weightGradient, Tolerance);
        report.RelativeToMaximum($"{layer}/grad/bias", biasGradient, Tolerance);
        LayerTraining.LayerNorm(file, report, layer, (float)epsilon);
    }

    private static void Gelu(GoldenFile file, GoldenReport report)
    {
        GoldenTensor x = file.Input("gelu/in");
        float[] y = x.ToSingles();
        BinaryAttention.Models.Layers.Gelu.Apply(y);
        report.RelativeToMaximum("gelu/out", y, Tolerance);
        report.RelativeToMaximum("gelu/grad_in", LayerReference.GeluBackward(x.Values, file.Input("gelu/grad_out").Values), Tolerance);
        LayerTraining.Activation(file, report, "gelu");
    }

    private static void Softmax(GoldenFile file, GoldenReport report)
    {
        GoldenTensor x = file.Input("softmax/in"), gradient = file.Input("softmax/grad_out");
        int width = x.Shape[^1];
        double[] probabilities = [.. x.Values], logitGradient = new double[x.Count];
        for (int first = 0; first < x.Count; first += width)
        {
            ReferenceSoftmax.Probabilities(probabilities.AsSpan(first, width));
            ReferenceSoftmaxGradient.Row(probabilities.AsSpan(first, width), gradient.Values.AsSpan(first, width), logitGradient.AsSpan(first, width));
        }

        report.RelativeToMaximum("softmax/out", probabilities, Tolerance);
        report.RelativeToMaximum("softmax/grad_in", logitGradient, Tolerance);
    }

    private static void LogSoftmax(GoldenFile file, GoldenReport report)
    {
        GoldenTensor x = file.Input("log_softmax/in");
        double[] y = LayerReference.LogSoftmax(x.Values, x.Shape[^1]);
        report.RelativeToMaximum("log_softmax/out", y, Tolerance);
        report.RelativeToMaximum("log_softmax/grad_in", LayerReference.LogSoftmaxBackward(y, file.Input("log_softmax/grad_out").Values, x.Shape[^1]), Tolerance);
    }

    private static unsafe void Patches(GoldenFile file, GoldenReport report)
    {
        GoldenTensor x = file.Input("conv2d_patch/in"), weight = file.Input("conv2d_patch/w/weight"), bias = file.Input("conv2d_patch/w/bias"), gradient = file.Input("conv2d_patch/grad_out");
        int outputs = weight.Shape[0], channels = weight.Shape[1], size = weight.Shape[2], height = x.Shape[2], width = x.Shape[3];
        int inputs = channels * size * size, patches = x.Count / inputs, imageLength = channels * height * width, imagePatches = imageLength / inputs;
        var embedding = new PatchEmbedding(new Linear(weight.ToSingles(), bias.ToSingles(), outputs, inputs), channels, size);
        var tokens = new float[patches * outputs];

        // SAFETY: every operand has exactly the size of one image's pixels, patches and tokens.
        fixed (float* pixels = x.ToSingles(), room = new float[imageLength], target = tokens)
        {
            for (int item = 0; item < x.Shape[0]; item++)
            {
                embedding.Forward(pixels + (item * imageLength), height, width, 0, imagePatches, room, target + (item * imagePatches * outputs));
            }
        }

        report.RelativeToMaximum("conv2d_patch/out", SwapLast(Array.ConvertAll(tokens, static value => (double)value), x.Shape[0], imagePatches, outputs), Tolerance);
        double[] unfolded = LayerReference.Unfold(x.Values, channels, height, width, size);
        double[] rows = SwapLast(gradient.Values, x.Shape[0], outputs, imagePatches);
        double[] weightGradient = new double[weight.Count], biasGradient = new double[outputs];
        double[] patchGradient = LayerReference.LinearBackward(unfolded, weight.Values, rows, inputs, weightGradient, biasGradient);
        report.RelativeToMaximum("conv2d_patch/grad_in", LayerReference.Fold(patchGradient, channels, height, width, size), Tolerance);
        report.RelativeToMaximum("conv2d_patch/grad/weight", weightGradient, Tolerance);
        report.RelativeToMaximum("conv2d_patch/grad/bias", biasGradient, Tolerance);
        LayerTraining.Patches(file, report, rows);
    }

    private static void Resize(GoldenFile file, GoldenReport report, string layer)
    {
        GoldenTensor x = file.Input($"{layer}/in");
        GoldenTensor expected = file.Peek($"{layer}/out");
        (int channels, int height, int width) = (x.Shape[1], x.Shape[2], x.Shape[3]);
        PositionResize filter = layer.Contains("bicubic", StringComparison.Ordinal) ? PositionResize.Bicubic : PositionResize.Bilinear;
        float[] source = Array.ConvertAll(SwapLast(x.Values, 1, channels, height * width), static value => (float)value);
        float[] resized = PositionEmbeddingResampling.Resize(source, height, width, expected.Shape[2], expected.Shape[3], channels, filter);
        report.RelativeToMaximum($"{layer}/out", SwapLast(Array.ConvertAll(resized, static value => (double)value), 1, resized.Length / channels, channels), Tolerance);
        foreach (string name in new[] { "grad_in", "grad_out" })
        {
            report.Skip($"{layer}/{name}", "the library resizes position embeddings when a model is loaded; no gradient flows through it");
        }
    }

    private static void LeaveOut(GoldenReport report, IGrouping<string, string> group)
    {
        string? reason = NotBuilt.FirstOrDefault(pair => group.Key.StartsWith(pair.Key, StringComparison.Ordinal)).Value;
        foreach (string name in reason is null ? [] : group.AsEnumerable())
        {
            report.Skip(name, reason!);
        }
    }

    /// <summary><c>[items, rows, columns]</c> to <c>[items, columns, rows]</c>.</summary>
    private static double[] SwapLast(double[] values, int items, int rows, int columns)
    {
        var swapped = new double[values.Length];
        for (int i = 0; i < items * rows * columns; i++)
        {
            int item = i / (rows * columns), row = i / columns % rows, column = i % columns;
            swapped[(((item * columns) + column) * rows) + row] = values[i];
        }

        return swapped;
    }
}
