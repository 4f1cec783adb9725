// The sign weightings of cases.
using BinaryAttention;

namespace TestKit.Attention;

/// <summary>Makes weightings.</summary>
public static class CaseWeights
{
    // Products of two and of 300 channels stay within float32.
    private static readonly float[] Extremes = [0f, -0f, 1e12f, -1e12f, 1e-20f, -1e-20f];

    /// <summary>The weighting of a case.</summary>
    public static SignWeighting Make(AttentionCase attentionCase, int seed) => attentionCase.Weighting switch
    {
        WeightingForm.PerHead => SignWeighting.MeanMagnitudePerHead,
        WeightingForm.PerTokenQuery => SignWeighting.PerTokenQuery,
        WeightingForm.None => SignWeighting.None,
        WeightingForm.PerToken => SignWeighting.MeanMagnitudePerToken,
        WeightingForm.PerTokenKey => new SignWeighting(SignWeightingMode.MeanMagnitudePerHead, SignWeightingMode.MeanMagnitudePerToken),
        _ => SignWeighting.Learned(
            Numbers(attentionCase.Batch * attentionCase.Heads * attentionCase.Queries, seed, attentionCase.Weighting),
            Numbers(attentionCase.Batch * attentionCase.KeyHeads * attentionCase.Keys, seed + 1, attentionCase.Weighting)),
    };

    private static float[] Numbers(int count, int seed, WeightingForm form)
    {
        float[] numbers = Inputs.Gaussian(seed, count);
        var random = new Random(seed + 2);
        for (int i = 0; i < count && form == WeightingForm.LearnedExtreme; i++)
        {
            numbers[i] = random.Next(3) == 0 ? Extremes[random.Next(Extremes.Length)] : numbers[i];
        }

        return numbers;
    }
}
