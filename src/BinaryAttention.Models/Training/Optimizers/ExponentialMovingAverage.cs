using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>A second set of weights that follows the first slowly, <c>average += (1 - decay) (value - average)</c>: what is evaluated and kept after training.</summary>
public sealed class ExponentialMovingAverage
{
    private readonly ParameterSet _parameters;
    private readonly OptimizerState[] _averages;

    /// <summary>Starts from the parameters as they are.</summary>
    /// <param name="parameters">The parameters that are followed.</param>
    /// <param name="decay">In [0, 1), such as 0.9999.</param>
    /// <exception cref="ArgumentOutOfRangeException">The decay is out of range.</exception>
    public ExponentialMovingAverage(ParameterSet parameters, double decay)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (decay is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(decay), decay, "decay must be in [0, 1).");
        }

        (_parameters, Decay) = (parameters, decay);
        _averages = [.. parameters.Select(static parameter => new OptimizerState($"{parameter.Name}/ema", parameter.Shape, parameter.Length))];
        for (int i = 0; i < _averages.Length; i++)
        {
            parameters[i].Values.CopyTo(_averages[i].Values);
        }
    }

    /// <summary>Share of the average that a step keeps.</summary>
    public double Decay { get; }

    /// <summary>The averages, in the order of the parameters, named parameter/ema.</summary>
    public IReadOnlyList<OptimizerState> States => _averages;

    /// <summary>Takes the parameters as they are into the average; call after every optimiser step.</summary>
    public void Update()
    {
        // In this form an average that equals its value stays what it is: weights that are not trained do not drift by rounding.
        float take = (float)(1 - Decay);
        for (int i = 0; i < _averages.Length; i++)
        {
            Span<float> average = _averages[i].Values;
            ReadOnlySpan<float> values = _parameters[i].Values;
            for (int k = 0; k < average.Length; k++)
            {
                average[k] = take == 1 ? values[k] : average[k] + (take * (values[k] - average[k]));
            }
        }
    }

    /// <summary>Exchanges parameters and averages: call before an evaluation with the averages and again after it.</summary>
    public void Swap()
    {
        for (int i = 0; i < _averages.Length; i++)
        {
            Span<float> average = _averages[i].Values, values = _parameters[i].Values;
            for (int k = 0; k < average.Length; k++)
            {
                (average[k], values[k]) = (values[k], average[k]);
            }
        }
    }
}
