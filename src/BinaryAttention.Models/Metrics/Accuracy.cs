namespace BinaryAttention.Models.Metrics;

/// <summary>Counts over batches of logits <c>[images, classes]</c>. NaN never counts as right.</summary>
public static class Accuracy
{
    /// <summary>How many images have their label among the <paramref name="count"/> largest logits. Of equal logits the lower class ranks first.</summary>
    /// <param name="logits"><c>[images, classCount]</c>, row-major.</param>
    /// <param name="classCount">Classes.</param>
    /// <param name="labels">One class per image.</param>
    /// <param name="count">1 for top-1, 5 for top-5.</param>
    /// <exception cref="ArgumentException">Lengths do not fit, or a label is out of range.</exception>
    public static int CountTop(ReadOnlySpan<float> logits, int classCount, ReadOnlySpan<int> labels, int count)
    {
        CheckLength(logits, classCount, labels.Length, nameof(logits));
        if (count < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "Expected at least 1.");
        }

        int right = 0;
        for (int image = 0; image < labels.Length; image++)
        {
            int label = labels[image];
            if (label < 0 || label >= classCount)
            {
                throw new ArgumentException($"labels[{image}] is {label}; expected 0 to {classCount - 1}.", nameof(labels));
            }

            ReadOnlySpan<float> row = logits.Slice(image * classCount, classCount);
            int before = 0;
            for (int i = 0; i < classCount; i++)
            {
                before += row[i] > row[label] || (row[i] == row[label] && i < label) ? 1 : 0;
            }

            right += before < count && !float.IsNaN(row[label]) ? 1 : 0;
        }

        return right;
    }

    /// <summary>Share of images whose label has the largest logit, 0 to 1.</summary>
    /// <param name="logits"><c>[images, classCount]</c>, row-major.</param>
    /// <param name="classCount">Classes.</param>
    /// <param name="labels">One class per image, at least one.</param>
    public static double Top1(ReadOnlySpan<float> logits, int classCount, ReadOnlySpan<int> labels) => Share(CountTop(logits, classCount, labels, 1), labels.Length);

    /// <summary>Share of images whose label is among the five largest logits, 0 to 1.</summary>
    /// <param name="logits"><c>[images, classCount]</c>, row-major.</param>
    /// <param name="classCount">Classes.</param>
    /// <param name="labels">One class per image, at least one.</param>
    public static double Top5(ReadOnlySpan<float> logits, int classCount, ReadOnlySpan<int> labels) => Share(CountTop(logits, classCount, labels, 5), labels.Length);

    /// <summary>Share of images to which two models give the same top-1 class, 0 to 1; a row of nothing but NaN has none.</summary>
    /// <param name="logits"><c>[images, classCount]</c>, row-major.</param>
    /// <param name="otherLogits">The other model's logits of the same images.</param>
    /// <param name="classCount">Classes.</param>
    /// <exception cref="ArgumentException">Lengths do not fit.</exception>
    public static double Agreement(ReadOnlySpan<float> logits, ReadOnlySpan<float> otherLogits, int classCount)
    {
        int images = classCount < 1 ? 0 : logits.Length / classCount;
        CheckLength(logits, classCount, images, nameof(logits));
        CheckLength(otherLogits, classCount, images, nameof(otherLogits));
        int same = 0;
        for (int image = 0; image < images; image++)
        {
            int own = Largest(logits.Slice(image * classCount, classCount));
            same += own >= 0 && own == Largest(otherLogits.Slice(image * classCount, classCount)) ? 1 : 0;
        }

        return Share(same, images);
    }

    // The first of the largest numbers; -1 where there is no number at all.
    private static int Largest(ReadOnlySpan<float> row)
    {
        int best = -1;
        for (int i = 0; i < row.Length; i++)
        {
            best = !float.IsNaN(row[i]) && (best < 0 || row[i] > row[best]) ? i : best;
        }

        return best;
    }

    private static double Share(int right, int images) => images > 0 ? (double)right / images : throw new ArgumentException("There are no images to count over.", nameof(images));

    private static void CheckLength(ReadOnlySpan<float> logits, int classCount, int images, string name)
    {
        if (classCount < 1 || logits.Length != (long)images * classCount)
        {
            throw new ArgumentException($"{name} has {logits.Length} values; {images} images of {classCount} classes need {(long)images * classCount}.", name);
        }
    }
}
