using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>
/// Stochastic gradient descent, with momentum if wanted: <c>b = momentum b + g</c> (b = g in the first step), <c>w -= learningRate b</c>, or <c>w -= learningRate (g + momentum b)</c> for Nesterov's.
/// </summary>
public sealed class Sgd : Optimizer
{
    private readonly SgdOptions _options;

    /// <summary>Makes the optimiser.</summary>
    /// <param name="parameters">What it changes.</param>
    /// <param name="options">Its numbers; plain descent if null.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public Sgd(ParameterSet parameters, SgdOptions? options = null)
        : base(parameters, options is { Momentum: > 0 } ? ["momentum_buffer"] : []) => _options = (options ?? new SgdOptions()).Checked();

    private protected override void Update(Parameter parameter, OptimizerState[] slots, double learningRate)
    {
        float decay = parameter.HasWeightDecay ? (float)_options.WeightDecay : 0, momentum = (float)_options.Momentum, rate = (float)learningRate;
        Span<float> values = parameter.Values, buffer = slots.Length > 0 ? slots[0].Values : default;
        ReadOnlySpan<float> gradient = parameter.Gradient;
        for (int i = 0; i < values.Length; i++)
        {
            float g = gradient[i] + (decay * values[i]);
            if (!buffer.IsEmpty)
            {
                buffer[i] = (momentum * buffer[i]) + g; // 0 before the first step
                g = _options.IsNesterov ? g + (momentum * buffer[i]) : buffer[i];
            }

            values[i] -= rate * g;
        }
    }
}
