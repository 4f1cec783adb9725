using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch computes it: values shrink by <c>1 - learningRate * weightDecay</c> before the step.</summary>
public sealed class AdamW : Optimizer
{
    private readonly AdamOptions _options;

    /// <summary>Makes the optimiser.</summary>
    /// <param name="parameters">What it changes.</param>
    /// <param name="options">Its numbers; weight decay 0.01 and PyTorch's other defaults if null.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public AdamW(ParameterSet parameters, AdamOptions? options = null)
        : base(parameters, "exp_avg", "exp_avg_sq") => _options = (options ?? new AdamOptions { WeightDecay = 0.01 }).Checked();

    private protected override void Update(Parameter parameter, OptimizerState[] slots, double learningRate)
    {
        double decay = parameter.HasWeightDecay ? 1 - (learningRate * _options.WeightDecay) : 1;
        AdamMoments.Step(parameter.Values, parameter.Gradient, slots[0].Values, slots[1].Values, AdamSettings.Create(_options, StepCount, learningRate, decay, gradientDecay: 0));
    }
}
