namespace BinaryAttention.Reference;

/// <summary>One row of 8-bit probabilities. A row without any allowed key has sum 0; a log-sum-exp of -infinity alone may be a finite one beyond float32.</summary>
/// <param name="Levels">One level in [0, 255] per key.</param>
/// <param name="RowSum">Sum of the numerators in units of 1/255 that Tiled divides by; TrainingParity's levels are normalised already and ignore it.</param>
/// <param name="LogSumExp">Log of the sum of the exponentials of the logits.</param>
internal sealed record ReferenceRow(int[] Levels, float RowSum, float LogSumExp)
{
    public bool IsMasked => RowSum == 0;
}
