namespace BinaryAttention.Models.Vision;

/// <summary>The function between the two layers of a block's perceptron.</summary>
public enum MlpActivation
{
    /// <summary>The exact Gaussian error linear unit, x times the normal distribution function of x.</summary>
    Gelu = 0,

    /// <summary>The rectified linear unit, the larger of x and 0.</summary>
    Relu = 1,
}
