using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>Keeps the gradients of all trainable parameters together within a length.</summary>
public static class GradientClipping
{
    /// <summary>The Euclidean norm of all gradients.</summary>
    /// <param name="parameters">The parameters.</param>
    public static double GlobalNorm(ParameterSet parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        double sum = 0;
        foreach (Parameter parameter in parameters.Where(static parameter => parameter is { IsTrainable: true, HasGradient: true }))
        {
            double part = 0;
            foreach (float value in parameter.Gradient)
            {
                part += (double)value * value;
            }

            sum += part;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Multiplies all gradients by <c>min(1, maxNorm / (norm + 1e-6))</c>, as PyTorch does.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="maxNorm">Above 0.</param>
    /// <returns>The norm before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not above 0.</exception>
    /// <exception cref="NonFiniteException">A gradient holds a NaN or an infinity; none was changed.</exception>
    public static double ClipGlobalNorm(ParameterSet parameters, double maxNorm)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNorm);
        double norm = GlobalNorm(parameters), factor = maxNorm / (norm + 1e-6);
        if (!double.IsFinite(norm))
        {
            // Squares of single precision cannot overflow a double: some gradient itself is not finite.
            string name = parameters.First(static parameter => parameter is { IsTrainable: true, HasGradient: true } && parameter.Gradient.ContainsAnyExceptInRange(float.MinValue, float.MaxValue)).Name;
            throw new NonFiniteException(name, $"The gradient of {name} holds a NaN or an infinity. Lower the learning rate, or go back to the last checkpoint.");
        }

        if (factor < 1)
        {
            foreach (Parameter parameter in parameters.Where(static parameter => parameter is { IsTrainable: true, HasGradient: true }))
            {
                System.Numerics.Tensors.TensorPrimitives.Multiply(parameter.Gradient, (float)factor, parameter.Gradient);
            }
        }

        return norm;
    }
}
