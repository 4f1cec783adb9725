// Compares gradients of the tape with central differences. The forward pass is float32, so a step of 1/64 leaves differences good to about 1e-3 of the largest gradient.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Autograd.Operations;
using Xunit;

namespace BinaryAttention.Models.Tests.Autograd;

internal static class GradientCheck
{
    private const float Step = 1f / 64;
    private const int MostProbes = 24;

    /// <summary>Checks the gradients of sum(output * random factors) at the input and at the parameters.</summary>
    public static void Run(float[] input, int[] shape, Func<Variable, Variable> operation, double tolerance, params Parameter[] parameters)
    {
        float[] inputGradient;
        using (var tape = new Tape(new Workspace(2)))
        {
            Array.ForEach(parameters, static parameter => parameter.ZeroGradient());
            Variable x = tape.Leaf(input, "x", shape);
            tape.Backward(Scalar(operation(x)));
            inputGradient = x.Gradient.ToArray();
        }

        Compare("input", input, inputGradient, () => Evaluate(input, shape, operation), tolerance);
        foreach (Parameter parameter in parameters)
        {
            Compare(parameter.Name, parameter.Values, parameter.Gradient.ToArray(), () => Evaluate(input, shape, operation), tolerance);
        }
    }

    public static Parameter Random(string name, int seed, float scale, params int[] shape)
    {
        var parameter = new Parameter(name, shape);
        RandomValues.Uniform(seed, parameter.Length, scale).CopyTo(parameter.Values);
        return parameter;
    }

    private static void Compare(string name, Span<float> values, float[] gradient, Func<double> evaluate, double tolerance)
    {
        double scale = Math.Max(1e-3, gradient.Max(MathF.Abs)), worst = 0;
        int stride = Math.Max(1, values.Length / MostProbes);
        for (int i = 0; i < values.Length; i += stride)
        {
            float before = values[i];
            values[i] = before + Step;
            double above = evaluate();
            values[i] = before - Step;
            double below = evaluate();
            values[i] = before;
            worst = Math.Max(worst, Math.Abs(((above - below) / (2 * Step)) - gradient[i]) / scale);
        }

        Assert.True(worst <= tolerance, $"{name}: gradient differs from differences by {worst:E2} of its largest entry");
    }

    private static double Evaluate(float[] input, int[] shape, Func<Variable, Variable> operation)
    {
        using var tape = new Tape(new Workspace(1));
        using (tape.WithoutGradients())
        {
            Variable y = operation(tape.Constant(input, "x", shape));
            float[] factors = Factors(y.Length);
            double sum = 0;
            for (int i = 0; i < factors.Length; i++)
            {
                sum += (double)factors[i] * y.Values[i];
            }

            return sum;
        }
    }

    private static Variable Scalar(Variable y) => y.WeightedSum(Factors(y.Length));

    private static float[] Factors(int length) => length == 1 ? [1] : RandomValues.Uniform(977, length);
}
