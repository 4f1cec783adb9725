// Everything a run must keep to continue to the bit: weights, the optimiser's numbers, the moving average. What is random needs nothing: it follows from the seed and the position.
using BinaryAttention.Formats;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Checkpoints;
using BinaryAttention.Models.Training.Optimizers;

namespace BinaryAttention.Models.Training.Runs;

internal sealed class RunState(ParameterSet parameters, Optimizer optimizer, ExponentialMovingAverage? average)
{
    /// <summary>Copies of all tensors.</summary>
    /// <exception cref="NonFiniteException">A weight is not finite: such a state is never written over a good one.</exception>
    public List<StateTensor> Capture()
    {
        RequireFinite();
        var tensors = new List<StateTensor>();
        foreach (Parameter parameter in parameters)
        {
            tensors.Add(new StateTensor("weights/" + parameter.Name, Long(parameter.Shape), parameter.Values.ToArray()));
        }

        tensors.AddRange(optimizer.States.Select(static state => new StateTensor("optimizer/" + state.Name, Long(state.Shape), state.Values.ToArray())));
        tensors.AddRange(average?.States.Select(static state => new StateTensor("average/" + state.Name, Long(state.Shape), state.Values.ToArray())) ?? []);
        return tensors;
    }

    /// <summary>Refuses weights that are not finite.</summary>
    /// <exception cref="NonFiniteException">A weight is NaN or infinite.</exception>
    public void RequireFinite()
    {
        foreach (Parameter parameter in parameters)
        {
            if (parameter.Values.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
            {
                throw new NonFiniteException(parameter.Name, $"{parameter.Name} holds a number that is not finite after step {optimizer.StepCount}.");
            }
        }
    }

    public void Restore(StoredState stored, string source)
    {
        foreach (Parameter parameter in parameters)
        {
            Copy(stored, source, "weights/" + parameter.Name, parameter.Values);
        }

        foreach (OptimizerState state in optimizer.States)
        {
            Copy(stored, source, "optimizer/" + state.Name, state.Values);
        }

        foreach (OptimizerState state in average?.States ?? [])
        {
            Copy(stored, source, "average/" + state.Name, state.Values);
        }

        optimizer.StepCount = stored.Position.Step;
    }

    private static void Copy(StoredState stored, string source, string name, Span<float> destination)
    {
        if (!stored.Tensors.TryGetValue(name, out StateTensor? tensor) || tensor.Values.Length != destination.Length)
        {
            throw new FileFormatException(source, $"the checkpoint has {(tensor is null ? "no" : $"{tensor.Values.Length} values of")} {name}; {destination.Length} are expected. It belongs to another configuration.");
        }

        tensor.Values.CopyTo(destination);
    }

    private static long[] Long(IReadOnlyList<int> shape) => [.. shape.Select(static length => (long)length)];
}
