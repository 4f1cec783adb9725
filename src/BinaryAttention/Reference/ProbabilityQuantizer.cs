// The 8-bit probabilities of TrainingParity: level = clamp(round half to even(255 p), 0, 255), value = level / 255, straight-through within the clamp.
// The training code divides by the float32 constant 1/255 instead; the two levels differ only where 255 p lies within float32 rounding of a half integer.
namespace BinaryAttention.Reference;

internal static class ProbabilityQuantizer
{
    private const float Step = 1f / 255f;

    public static int Level(double probability) => (int)Math.Clamp(Math.Round(255.0 * probability, MidpointRounding.ToEven), 0, 255);

    public static float Value(int level) => level * Step;

    /// <summary>Whether the rounded level needs no clamping; then the gradient passes unchanged.</summary>
    public static bool PassesGradient(double probability) => Math.Round(255.0 * probability, MidpointRounding.ToEven) is >= 0 and <= 255;
}
