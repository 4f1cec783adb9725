// Makes one batch by its number: pictures of the plan, augmented, labels as smoothed probabilities, mixed. Any thread may make any batch; the bits depend on seed and number alone.
using BinaryAttention.Models.Training.Data.Augmentation;

namespace BinaryAttention.Models.Training.Data;

internal sealed class BatchMaker(ImageSet images, ImagePipeline pipeline, BatchPlan plan, AugmentationOptions augmentation, Randomness randomness, int classCount, double labelSmoothing)
{
    // DeiT switches between the two with equal chances.
    private const double CutMixChance = 0.5;

    public BatchPlan Plan => plan;

    public TrainingBatch Make(long number)
    {
        int batch = plan.BatchSize, length = pipeline.Length;
        var pixels = new float[batch * length];
        var labels = new int[batch];
        float[] targets = images.HasLabels ? new float[batch * classCount] : [];
        for (int i = 0; i < batch; i++)
        {
            (int sample, long epoch, int place) = plan.At(number, i);
            RandomStream random = randomness.Stream("augmentation", epoch, place);
            pipeline.Train(images.Image(sample), ref random, pixels.AsSpan(i * length, length));
            labels[i] = images.Label(sample);
            if (targets.Length > 0)
            {
                Span<float> row = targets.AsSpan(i * classCount, classCount);
                row.Fill((float)(labelSmoothing / classCount));
                row[labels[i]] += (float)(1 - labelSmoothing);
            }
        }

        Mix(number, pixels, targets, batch);
        return new TrainingBatch(number, pixels, labels, targets);
    }

    private void Mix(long number, float[] pixels, float[] targets, int batch)
    {
        RandomStream random = randomness.Stream("mixing", number);
        bool isCut = augmentation.CutMix > 0 && (augmentation.Mixup == 0 || random.NextBool(CutMixChance));
        double alpha = isCut ? augmentation.CutMix : augmentation.Mixup;
        if (alpha == 0)
        {
            return;
        }

        double share = random.NextBeta(alpha, alpha);
        if (isCut)
        {
            BatchMixing.CutMix(pixels, targets, batch, pipeline.Size, pipeline.Size, share, ref random);
        }
        else
        {
            BatchMixing.Mixup(pixels, targets, batch, share);
        }
    }
}
