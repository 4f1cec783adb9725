// F_optimizers: five steps of each optimiser with recorded gradients, and clipping by the global norm.
using System.Text.Json;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Optimizers;

namespace GoldenVectors;

internal sealed class OptimizerChecker : IGoldenChecker
{
    private const double Tolerance = 2e-6;

    public bool Handles(GoldenFile file) => file.Case == "optimizers";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        float[] start = file.Input("in/param").ToSingles(), gradients = file.Input("in/grads").ToSingles();
        int length = start.Length, steps = gradients.Length / length;
        foreach (JsonProperty entry in file.MetadataJson("config").EnumerateObject())
        {
            var parameter = new Parameter("w", length) { HasWeightDecay = true };
            start.CopyTo(parameter.Values);
            var parameters = new ParameterSet { parameter };
            Optimizer optimizer = Create(entry, parameters);
            var trajectory = new List<float>();
            for (int step = 0; step < steps; step++)
            {
                gradients.AsSpan(step * length, length).CopyTo(parameter.Gradient);
                optimizer.Step(Number(entry.Value, "lr", 0));
                trajectory.AddRange(parameter.Values);
            }

            report.RelativeToMaximum(entry.Name + "/params_after_each_step", trajectory.ToArray(), Tolerance);
            foreach (OptimizerState state in optimizer.States)
            {
                report.RelativeToMaximum($"{entry.Name}/state_{state.Name.Split('/')[1]}", state.Values, Tolerance);
            }
        }

        Clipping(report, gradients, length);
        return report;
    }

    private static Optimizer Create(JsonProperty entry, ParameterSet parameters)
    {
        JsonElement settings = entry.Value;
        double decay = Number(settings, "weight_decay", 0);
        if (entry.Name.StartsWith("sgd", StringComparison.Ordinal))
        {
            return new Sgd(parameters, new SgdOptions { Momentum = Number(settings, "momentum", 0), IsNesterov = settings.TryGetProperty("nesterov", out _), WeightDecay = decay });
        }

        (double beta1, double beta2) = settings.TryGetProperty("betas", out JsonElement betas) ? (betas[0].GetDouble(), betas[1].GetDouble()) : (0.9, 0.999);
        var options = new AdamOptions { Beta1 = beta1, Beta2 = beta2, Epsilon = Number(settings, "eps", 1e-8), WeightDecay = decay };
        return entry.Name.StartsWith("adamw", StringComparison.Ordinal) ? new AdamW(parameters, options) : new Adam(parameters, options);
    }

    private static void Clipping(GoldenReport report, float[] gradients, int length)
    {
        Parameter a = new("a", length), b = new("b", length);
        gradients.AsSpan(0, length).CopyTo(a.Gradient);
        gradients.AsSpan(length, length).CopyTo(b.Gradient);
        report.RelativeToMaximum("clip_norm_1.5/norm", [GradientClipping.ClipGlobalNorm(new ParameterSet { a, b }, 1.5)], Tolerance);
        report.RelativeToMaximum("clip_norm_1.5/a", a.Gradient, Tolerance);
        report.RelativeToMaximum("clip_norm_1.5/b", b.Gradient, Tolerance);
    }

    private static double Number(JsonElement settings, string name, double otherwise) => settings.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : otherwise;
}
