using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Adam (Kingma and Ba 2015); its weight decay is L2 regularisation, added to the gradient.</summary>
public sealed class Adam : Optimizer
{
    private readonly AdamOptions _options;

    /// <summary>Makes the optimiser.</summary>
    /// <param name="parameters">What it changes.</param>
    /// <param name="options">Its numbers; PyTorch's defaults if null.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public Adam(ParameterSet parameters, AdamOptions? options = null)
        : base(parameters, "exp_avg", "exp_avg_sq") => _options = (options ?? new AdamOptions()).Checked();

    private protected override void Update(Parameter parameter, OptimizerState[] slots, double learningRate) =>
        AdamMoments.Step(parameter.Values, parameter.Gradient, slots[0].Values, slots[1].Values, AdamSettings.Create(_options, StepCount, learningRate, valueDecay: 1, parameter.HasWeightDecay ? _options.WeightDecay : 0));
}
