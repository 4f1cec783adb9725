// The same runs through the library's training code: logits, loss and every gradient in float32 from the tape.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Losses;
using BinaryAttention.Models.Training.Networks;
using BinaryAttention.Models.Vision;

namespace GoldenVectors;

internal static class VitTraining
{
    public static void Compare(GoldenReport report, string run, VisionTransformerConfiguration configuration, VitWeightSource source, LayerAttention attention, float[] images, int[] labels, GoldenFile file, (double Forward, double Gradient, double NoiseShare) tolerance)
    {
        foreach (bool recomputes in new[] { false, true })
        {
            var options = new TrainableVisionTransformerOptions { Attention = AttentionChoice.All(attention), RecomputesBlocks = recomputes };
            TrainableVisionTransformer model = TrainableVisionTransformer.Load(source, configuration, options);
            using var tape = new Tape();
            Variable logits = model.Forward(tape, images), loss = LossFunctions.CrossEntropy(logits, labels);
            report.RelativeToMaximum($"{run}/logits", logits.Values, tolerance.Forward);
            report.RelativeToMaximum($"{run}/loss", loss.Values, tolerance.Forward);
            tape.Backward(loss);
            double largest = 0;
            foreach (Parameter parameter in model.Parameters)
            {
                foreach (float value in parameter.Gradient)
                {
                    largest = Math.Max(largest, Math.Abs(value));
                }
            }

            foreach (string name in file.Names.Where(name => name.StartsWith($"{run}/grad", StringComparison.Ordinal)))
            {
                ReadOnlySpan<float> gradient = model.Parameters.Find(name.Split('/', 3)[2])!.Gradient;
                report.RelativeToMaximum(name, gradient[..Math.Min(gradient.Length, file.Peek(name).Count)], tolerance.Gradient, tolerance.NoiseShare * largest);
            }
        }
    }
}
