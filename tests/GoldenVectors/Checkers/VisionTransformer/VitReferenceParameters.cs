// Parameters of the reference model by their checkpoint names, with gradients of the same names that start at zero, and the layers that use both.
namespace GoldenVectors;

internal sealed class VitReferenceParameters(Func<string, double[]> read)
{
    private readonly Dictionary<string, double[]> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double[]> _gradients = new(StringComparer.Ordinal);

    public double[] Value(string name)
    {
        if (!_values.TryGetValue(name, out double[]? value))
        {
            _values.Add(name, value = read(name));
        }

        return value;
    }

    public double[] Gradient(string name)
    {
        if (!_gradients.TryGetValue(name, out double[]? gradient))
        {
            _gradients.Add(name, gradient = new double[Value(name).Length]);
        }

        return gradient;
    }

    public double LargestGradient => _gradients.Values.SelectMany(static gradient => gradient).Max(Math.Abs);

    public double[] Norm(string name, double[] x, double epsilon) => LayerReference.LayerNorm(x, Value(name + ".weight"), Value(name + ".bias"), epsilon);

    public double[] NormBackward(string name, double[] x, double[] gradient, double epsilon) =>
        LayerReference.LayerNormBackward(x, Value(name + ".weight"), gradient, epsilon, Gradient(name + ".weight"), Gradient(name + ".bias"));

    public double[] Linear(string name, double[] x, int inputs) => LayerReference.Linear(x, Value(name + ".weight"), Value(name + ".bias"), inputs);

    public double[] LinearBackward(string name, double[] x, double[] gradient, int inputs) =>
        LayerReference.LinearBackward(x, Value(name + ".weight"), gradient, inputs, Gradient(name + ".weight"), Gradient(name + ".bias"));
}
