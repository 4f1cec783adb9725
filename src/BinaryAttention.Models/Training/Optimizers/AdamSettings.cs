namespace BinaryAttention.Models.Training.Optimizers;

/// <summary>The numbers of one Adam step.</summary>
/// <param name="Beta1">Decay of the mean of gradients.</param>
/// <param name="Rest1">1 - beta1, rounded once.</param>
/// <param name="Beta2">Decay of the mean of squared gradients.</param>
/// <param name="Rest2">1 - beta2, rounded once.</param>
/// <param name="Epsilon">Added to the root.</param>
/// <param name="StepSize">Learning rate over 1 - beta1^t.</param>
/// <param name="SecondScale">1 over the root of 1 - beta2^t.</param>
/// <param name="ValueDecay">Factor of the values: decoupled weight decay.</param>
/// <param name="GradientDecay">What of the values is added to the gradient: L2 regularisation.</param>
internal readonly record struct AdamSettings(float Beta1, float Rest1, float Beta2, float Rest2, float Epsilon, float StepSize, float SecondScale, float ValueDecay, float GradientDecay)
{
    public static AdamSettings Create(AdamOptions options, long step, double learningRate, double valueDecay, double gradientDecay) => new(
        (float)options.Beta1,
        (float)(1 - options.Beta1),
        (float)options.Beta2,
        (float)(1 - options.Beta2),
        (float)options.Epsilon,
        (float)(learningRate / (1 - Math.Pow(options.Beta1, step))),
        (float)(1 / Math.Sqrt(1 - Math.Pow(options.Beta2, step))),
        (float)valueDecay,
        (float)gradientDecay);
}
