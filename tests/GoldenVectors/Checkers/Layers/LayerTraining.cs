// The layers through the library's training code: forward, input gradient and parameter gradients in float32 from the tape.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;

namespace GoldenVectors;

internal static class LayerTraining
{
    private const double Tolerance = 5e-6;

    public static void Linear(GoldenFile file, GoldenReport report) =>
        Run(file, report, "linear", (x, weight, bias) => x.Linear(weight!, bias));

    public static void LayerNorm(GoldenFile file, GoldenReport report, string layer, float epsilon) =>
        Run(file, report, layer, (x, weight, bias) => x.LayerNorm(weight!, bias!, epsilon));

    public static void Activation(GoldenFile file, GoldenReport report, string layer) =>
        Run(file, report, layer, (x, _, _) => layer == "gelu" ? x.Gelu() : x.Relu());

    /// <summary>The patch projection: patches as rows, so the upstream gradient comes in that order.</summary>
    public static void Patches(GoldenFile file, GoldenReport report, double[] upstream)
    {
        using var tape = new Tape();
        Parameter weight = Read(file, "conv2d_patch/w/weight")!, bias = Read(file, "conv2d_patch/w/bias")!;
        GoldenTensor images = file.Input("conv2d_patch/in");
        Variable x = tape.Leaf(images.ToSingles(), "images", images.Shape);
        tape.Backward(x.Patches(weight.Shape[^1]).Linear(weight, bias).WeightedSum(Array.ConvertAll(upstream, static value => (float)value)));
        report.RelativeToMaximum("conv2d_patch/grad_in", x.Gradient, Tolerance);
        report.RelativeToMaximum("conv2d_patch/grad/weight", weight.Gradient, Tolerance);
        report.RelativeToMaximum("conv2d_patch/grad/bias", bias.Gradient, Tolerance);
    }

    private static void Run(GoldenFile file, GoldenReport report, string layer, Func<Variable, Parameter?, Parameter?, Variable> operation)
    {
        using var tape = new Tape();
        GoldenTensor input = file.Input($"{layer}/in");
        Parameter? weight = Read(file, $"{layer}/w/weight"), bias = Read(file, $"{layer}/w/bias");
        Variable x = tape.Leaf(input.ToSingles(), "in", input.Shape), y = operation(x, weight, bias);
        report.RelativeToMaximum($"{layer}/out", y.Values, Tolerance);
        tape.Backward(y.WeightedSum(file.Input($"{layer}/grad_out").ToSingles()));
        report.RelativeToMaximum($"{layer}/grad_in", x.Gradient, Tolerance);
        if (weight is not null)
        {
            report.RelativeToMaximum($"{layer}/grad/weight", weight.Gradient, Tolerance);
            report.RelativeToMaximum($"{layer}/grad/bias", bias!.Gradient, Tolerance);
        }
    }

    private static Parameter? Read(GoldenFile file, string name)
    {
        if (!file.Has(name))
        {
            return null;
        }

        GoldenTensor tensor = file.Input(name);
        var parameter = new Parameter(name, tensor.Shape);
        tensor.ToSingles().CopyTo(parameter.Values);
        return parameter;
    }
}
