// A kernel's own S, P and 8-bit P, made visible through the public API: with the identity as values, the output of a query is its row of probabilities, and log P plus the row's
// log-sum-exp is its logits.
namespace GoldenVectors.Checkers.Attention;

internal sealed class KernelIntermediates
{
    public KernelIntermediates(AttentionModule module, AttentionFlags flags, string kernel)
    {
        int tokens = module.Sizes.TokenCount;
        (float[] probabilities, float[] logSumExp) = module.AttendToIdentity(flags with { Is8Bit = false }, kernel);
        Probabilities = Array.ConvertAll(probabilities, static value => (double)value);
        Logits = new double[Probabilities.Length];
        for (int i = 0; i < Logits.Length; i++)
        {
            Logits[i] = Math.Log(Probabilities[i]) + logSumExp[i / tokens];
        }

        if (flags is { IsBinary: true, Is8Bit: true })
        {
            // The identity's columns quantise to one level, 127, which stands for 127 / (s + 1e-6) with the training code's s = 1 / (1 + 1e-6) * 127.
            float scale = 1f / (1f + 1e-6f) * 127f;
            double one = 127.0 / (scale + 1e-6f);
            (float[] rounded, _) = module.AttendToIdentity(flags, kernel);
            ProbabilityLevels = Array.ConvertAll(rounded, value => (int)Math.Round(255 * value / one));
        }
    }

    public double[] Logits { get; }

    public double[] Probabilities { get; }

    public int[]? ProbabilityLevels { get; }
}
