// Losses of logits [batch, classes]. A loss computes its gradient with its value, both in double, since logits are few; the backward pass multiplies by what flows in.
using BinaryAttention.Models.Autograd;

namespace BinaryAttention.Models.Training.Losses;

/// <summary>Losses of the logits of a classifier, each the mean over the batch.</summary>
public static class LossFunctions
{
    /// <summary>Cross entropy with class numbers, perhaps with label smoothing: <c>(1 - smoothing) (-log p[label]) + smoothing mean_k(-log p[k])</c>.</summary>
    /// <param name="logits"><c>[batch, classes]</c>.</param>
    /// <param name="labels">The class of every item.</param>
    /// <param name="smoothing">From 0 to 1.</param>
    /// <exception cref="ArgumentException">A label is out of range, or the sizes do not fit.</exception>
    public static Variable CrossEntropy(Variable logits, ReadOnlySpan<int> labels, double smoothing = 0)
    {
        (int batch, int classes) = Sizes(logits);
        Check(labels.Length, batch, nameof(labels));
        Fraction(smoothing, nameof(smoothing));
        var targets = new double[batch * classes];
        for (int item = 0; item < batch; item++)
        {
            int label = labels[item];
            if (label < 0 || label >= classes)
            {
                throw new ArgumentOutOfRangeException(nameof(labels), label, $"labels[{item}] is {label}; the logits have classes 0 to {classes - 1}.");
            }

            targets.AsSpan(item * classes, classes).Fill(smoothing / classes);
            targets[(item * classes) + label] += 1 - smoothing;
        }

        return Soft(logits, targets, "cross_entropy");
    }

    /// <summary>Cross entropy with a probability for every class, as mixup makes them: <c>mean_b sum_k -target log p</c>.</summary>
    /// <param name="logits"><c>[batch, classes]</c>.</param>
    /// <param name="targets"><c>[batch, classes]</c>.</param>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Variable SoftTargetCrossEntropy(Variable logits, ReadOnlySpan<float> targets)
    {
        (int batch, int classes) = Sizes(logits);
        Check(targets.Length, batch * classes, nameof(targets));
        var widened = new double[targets.Length];
        for (int i = 0; i < widened.Length; i++)
        {
            widened[i] = targets[i];
        }

        return Soft(logits, widened, "soft_cross_entropy");
    }

    /// <summary>Binary cross entropy of every logit with its own target, the mean over all elements.</summary>
    /// <param name="logits"><c>[batch, classes]</c>.</param>
    /// <param name="targets"><c>[batch, classes]</c>, each from 0 to 1.</param>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Variable BinaryCrossEntropy(Variable logits, ReadOnlySpan<float> targets)
    {
        (int batch, int classes) = Sizes(logits);
        Check(targets.Length, batch * classes, nameof(targets));
        var gradient = new double[targets.Length];
        double loss = 0;
        for (int i = 0; i < gradient.Length; i++)
        {
            double x = logits.Values[i];
            loss += Math.Max(x, 0) - (x * targets[i]) + double.LogP1(Math.Exp(-Math.Abs(x)));
            gradient[i] = ((1 / (1 + Math.Exp(-x))) - targets[i]) / gradient.Length;
        }

        return Record(logits, loss / gradient.Length, gradient, "binary_cross_entropy");
    }

    /// <summary>
    /// Divergence of the student's distribution from a teacher's at a temperature, <c>temperature^2 sum p_t (log p_t - log p_s)</c>, divided by the batch size; the published recipe divides by
    /// batch times classes.
    /// </summary>
    /// <param name="logits"><c>[batch, classes]</c>.</param>
    /// <param name="teacher">The teacher's logits, of the same size.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="isMeanOverLogits">Whether the sum is divided by the number of logits instead of the batch size.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or the temperature is not above 0.</exception>
    public static Variable Divergence(Variable logits, ReadOnlySpan<float> teacher, double temperature = 1, bool isMeanOverLogits = false)
    {
        (int batch, int classes) = Sizes(logits);
        Check(teacher.Length, batch * classes, nameof(teacher));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        var gradient = new double[teacher.Length];
        double[] student = new double[classes], wanted = new double[classes];
        double loss = 0, divisor = isMeanOverLogits ? batch * (double)classes : batch;
        for (int item = 0; item < batch; item++)
        {
            LogSoftmax(logits.Values.Slice(item * classes, classes), temperature, student);
            LogSoftmax(teacher.Slice(item * classes, classes), temperature, wanted);
            for (int k = 0; k < classes; k++)
            {
                double p = Math.Exp(wanted[k]);
                loss += p > 0 ? p * (wanted[k] - student[k]) : 0;
                gradient[(item * classes) + k] = temperature * (Math.Exp(student[k]) - p) / divisor;
            }
        }

        return Record(logits, loss * temperature * temperature / divisor, gradient, "divergence");
    }

    /// <summary>Distillation as DeiT's training code does it: <c>(1 - alpha) base + alpha distillation</c>.</summary>
    /// <param name="baseLoss">The loss against the labels.</param>
    /// <param name="logits">The student's logits that see the teacher <c>[batch, classes]</c>: those of the distillation head, if there is one.</param>
    /// <param name="teacher">The teacher's logits; not read for <see cref="DistillationKind.None"/>.</param>
    /// <param name="kind">None, soft or hard.</param>
    /// <param name="alpha">Weight of the distillation, from 0 to 1.</param>
    /// <param name="temperature">Temperature of soft distillation.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a number is out of range.</exception>
    public static Variable Distillation(Variable baseLoss, Variable logits, ReadOnlySpan<float> teacher, DistillationKind kind, double alpha, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(baseLoss);
        Fraction(alpha, nameof(alpha));
        return kind switch
        {
            DistillationKind.None => baseLoss,
            DistillationKind.Soft => WeightedSum((baseLoss, 1 - alpha), (Divergence(logits, teacher, temperature, isMeanOverLogits: true), alpha)),
            DistillationKind.Hard => WeightedSum((baseLoss, 1 - alpha), (CrossEntropy(logits, LargestClasses(logits, teacher)), alpha)),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Expected None, Soft or Hard."),
        };
    }

    /// <summary>A weighted sum of scalar losses.</summary>
    /// <param name="losses">Losses and their weights; at least one.</param>
    /// <exception cref="ArgumentException">There is none, or one is no scalar.</exception>
    public static Variable WeightedSum(params ReadOnlySpan<(Variable Loss, double Weight)> losses)
    {
        if (losses.IsEmpty)
        {
            throw new ArgumentException("At least one loss is expected.", nameof(losses));
        }

        (Variable Loss, double Weight)[] parts = losses.ToArray();
        Tape tape = parts[0].Loss.Tape;
        Variable total = tape.Create("loss");
        total.Buffer.Span[0] = (float)parts.Sum(static part => part.Loss.Item * part.Weight);
        return tape.Record(total, Array.Exists(parts, static part => part.Loss.RequiresGradient), () =>
        {
            foreach ((Variable loss, double weight) in parts)
            {
                if (loss.RequiresGradient)
                {
                    PooledBuffer gradient = tape.Rent(1);
                    gradient.Span[0] = (float)(weight * total.GradientBuffer.Span[0]);
                    loss.Adopt(gradient);
                }
            }
        });
    }

    /// <summary>The class with the largest logit of every item; the first of equals.</summary>
    /// <param name="logits">The student's logits, for the sizes.</param>
    /// <param name="teacher">The logits that are searched.</param>
    private static int[] LargestClasses(Variable logits, ReadOnlySpan<float> teacher)
    {
        (int batch, int classes) = Sizes(logits);
        Check(teacher.Length, batch * classes, nameof(teacher));
        var labels = new int[batch];
        for (int item = 0; item < batch; item++)
        {
            ReadOnlySpan<float> row = teacher.Slice(item * classes, classes);
            for (int k = 1; k < classes; k++)
            {
                labels[item] = row[k] > row[labels[item]] ? k : labels[item];
            }
        }

        return labels;
    }

    private static Variable Soft(Variable logits, double[] targets, string name)
    {
        (int batch, int classes) = Sizes(logits);
        var gradient = new double[targets.Length];
        var logProbabilities = new double[classes];
        double loss = 0;
        for (int item = 0; item < batch; item++)
        {
            LogSoftmax(logits.Values.Slice(item * classes, classes), 1, logProbabilities);
            double mass = 0;
            for (int k = 0; k < classes; k++)
            {
                double target = targets[(item * classes) + k];
                loss -= target == 0 ? 0 : target * logProbabilities[k];
                mass += target;
            }

            for (int k = 0; k < classes; k++)
            {
                gradient[(item * classes) + k] = ((mass * Math.Exp(logProbabilities[k])) - targets[(item * classes) + k]) / batch;
            }
        }

        return Record(logits, loss / batch, gradient, name);
    }

    private static void LogSoftmax(ReadOnlySpan<float> logits, double temperature, Span<double> result)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit / temperature);
        }

        for (int k = 0; k < logits.Length; k++)
        {
            result[k] = (logits[k] / temperature) - largest;
            sum += Math.Exp(result[k]);
        }

        for (int k = 0; k < logits.Length; k++)
        {
            result[k] -= Math.Log(sum);
        }
    }

    private static Variable Record(Variable logits, double loss, double[] gradient, string name)
    {
        Tape tape = logits.Tape;
        Variable scalar = tape.Create(tape.Named(name));
        scalar.Buffer.Span[0] = (float)loss;
        return tape.Record(scalar, logits.RequiresGradient, () =>
        {
            PooledBuffer result = tape.Rent(gradient.Length);
            for (int i = 0; i < gradient.Length; i++)
            {
                result.Span[i] = (float)(gradient[i] * scalar.GradientBuffer.Span[0]);
            }

            logits.Adopt(result);
        });
    }

    private static (int Batch, int Classes) Sizes(Variable logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        TensorShape.Rank(logits, 2, "[batch, classes]");
        return (logits.Shape[0], logits.Shape[1]);
    }

    private static void Check(int length, int expected, string name)
    {
        if (length != expected)
        {
            throw new ArgumentException($"{name} has {length} values; the logits need {expected}.", name);
        }
    }

    private static void Fraction(double value, string name)
    {
        if (value is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(name, value, "Expected 0 to 1.");
        }
    }
}
