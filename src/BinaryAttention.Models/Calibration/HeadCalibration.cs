// Calibrates one head from its activations: naive codes to compare with, closed form, and learning if the recipe asks for it.
namespace BinaryAttention.Models.Calibration;

internal static class HeadCalibration
{
    // Images on which divergences are reported, spread evenly over those fitted on.
    private const int MeasuredImages = 16;

    /// <summary>Codes made from the queries and keys, or, where projections are given, from the layer's input.</summary>
    /// <param name="head">What the head saw.</param>
    /// <param name="projections">The head's projections; null where only queries and keys are known.</param>
    /// <param name="options">What may be done.</param>
    /// <param name="budget">How much of it.</param>
    /// <param name="rowWeights">One weight per row that counts.</param>
    /// <param name="learns">Whether this head is worth learning.</param>
    /// <param name="seed">Decides rotations and orders.</param>
    /// <param name="cancellationToken">Checked between steps.</param>
    public static HeadCalibrationResult Run(HeadActivations head, HeadProjections? projections, CalibrationOptions options, CalibrationBudget budget, float[] rowWeights, bool learns, ulong seed, CancellationToken cancellationToken)
    {
        HeadCode code = ClosedForm.Create(head, options, rowWeights, seed);
        if (learns && options.Recipe == CalibrationRecipe.Rotation)
        {
            Learn(code, head, options, budget, rowWeights, seed, cancellationToken);
        }

        if (projections is not null)
        {
            code = code.FoldIn(projections.Query, projections.QueryBias, projections.Key, projections.KeyBias);
        }

        if (learns && options.Recipe == CalibrationRecipe.Projection)
        {
            Learn(code, head, options, budget, rowWeights, seed, cancellationToken);
        }

        return new HeadCalibrationResult(code, Divergence(ClosedForm.Naive(head), head, rowWeights), Divergence(code, head, rowWeights));
    }

    private static void Learn(HeadCode code, HeadActivations head, CalibrationOptions options, CalibrationBudget budget, float[] rowWeights, ulong seed, CancellationToken cancellationToken)
    {
        CalibrationOptions chosen = budget.Choose(steps => new CodeLearner(code.Clone(), head, options with { Steps = steps }, rowWeights).Run(seed, null, cancellationToken));
        if (chosen.Recipe != CalibrationRecipe.ClosedForm && !budget.IsOver)
        {
            new CodeLearner(code, head, chosen, rowWeights).Run(seed, budget, cancellationToken);
        }
    }

    public static double Divergence(HeadCode code, HeadActivations head, float[] rowWeights)
    {
        var rows = new AttentionRows(head.TokenCount, head.Dimension, code.Pitch, code.RankPitch, rowWeights.Length);
        int images = Math.Min(MeasuredImages, head.ImageCount);
        double sum = 0;
        for (int i = 0; i < images; i++)
        {
            int image = EvenSample.Place(i, images, head.ImageCount);
            rows.ComputeExact(head, image, rowWeights.Length);
            rows.ComputeCodes(code, head, image, rowWeights.Length);
            sum += rows.ComputeProbabilities(code.Temperature, rowWeights);
        }

        return sum / images;
    }
}
