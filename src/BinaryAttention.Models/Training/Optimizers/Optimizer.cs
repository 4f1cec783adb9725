using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Changes parameters by their gradients. Parameters that are not trainable, or that took no part in the loss, are left alone, as PyTorch skips those without a gradient; weight decay acts on those with <see cref="Parameter.HasWeightDecay"/>.</summary>
public abstract class Optimizer
{
    private readonly List<OptimizerState> _states = [];
    private readonly Dictionary<Parameter, OptimizerState[]> _slots = [];

    /// <summary>Makes room for the states of all parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="slotNames">Names of the numbers that are kept for every value.</param>
    private protected Optimizer(ParameterSet parameters, params string[] slotNames)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Parameters = parameters;
        foreach (Parameter parameter in parameters)
        {
            OptimizerState[] slots = [.. slotNames.Select(slot => new OptimizerState($"{parameter.Name}/{slot}", parameter.Shape, parameter.Length))];
            _slots.Add(parameter, slots);
            _states.AddRange(slots);
        }
    }

    /// <summary>The parameters.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Steps taken so far; a checkpoint that is restored sets it.</summary>
    public long StepCount { get; set; }

    /// <summary>What a checkpoint must keep beside <see cref="StepCount"/>.</summary>
    public IReadOnlyList<OptimizerState> States => _states;

    /// <summary>Takes one step with the gradients as they are; they are not zeroed.</summary>
    /// <param name="learningRate">At least 0.</param>
    /// <param name="workspace">Threads to use; one if null. Bits do not depend on them.</param>
    /// <exception cref="ArgumentOutOfRangeException">The learning rate is negative, NaN or infinite.</exception>
    public void Step(double learningRate, Workspace? workspace = null)
    {
        if (!double.IsFinite(learningRate) || learningRate < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, "learningRate must be finite and at least 0.");
        }

        StepCount++;
        Parameter[] trainable = [.. Parameters.Where(static parameter => parameter is { IsTrainable: true, HasGradient: true })];
        if (workspace is null)
        {
            Array.ForEach(trainable, One);
        }
        else
        {
            workspace.Loop.Tiles.Run(trainable.Length, (index, _) => One(trainable[index]), CancellationToken.None);
        }

        void One(Parameter parameter) => Update(parameter, _slots[parameter], learningRate);
    }

    /// <summary>Changes one parameter.</summary>
    private protected abstract void Update(Parameter parameter, OptimizerState[] slots, double learningRate);
}
