// Aligns attention maps: the mean over images, heads and query rows of KL(teacher row || student row), rows being softmax(logits). With one-bit attention in the student this is sign-aligned
// distillation: the gradient P_student - P_teacher reaches queries and keys through their signs (BinaryAttention trains without it; the idea is that of attention distillation for binary networks).
//
//   dS = (P_s - P_t) / rows      dQ = scale dS K      dK = scale dS^T Q      then SimilaritySide
//
// Maps are formed 48 rows at a time; nothing of size tokens x tokens is stored. One worker takes a head of an image from beginning to end, so bits do not depend on the number of threads.
using System.Numerics.Tensors;
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Networks;

namespace BinaryAttention.Models.Training.Losses;

/// <summary>A loss that compares attention maps.</summary>
public static class AttentionSimilarity
{
    private const int TileRows = 48;

    /// <summary>The divergence of a student's attention maps from a teacher's, <c>mean over images, heads, rows of sum_j p_t (log p_t - log p_s)</c>.</summary>
    /// <param name="student">The student's operands, seen by <see cref="ForwardPass.Observe"/>. A relative-position table and biases per key are part of the maps and learn too.</param>
    /// <param name="teacher">The teacher's, from the same images; usually exact attention, run without gradients. Set <see cref="Variable.IsRetained"/> on its source when it is observed.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">Images, heads or tokens differ.</exception>
    /// <exception cref="NotSupportedException">The maps use learned weights or float factors.</exception>
    public static Variable Loss(AttentionTap student, AttentionTap teacher)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(teacher);
        Variable source = student.Source;
        if (source.Shape[0] != teacher.Source.Shape[0] || source.Shape[1] != teacher.Source.Shape[1] || student.HeadCount != teacher.HeadCount)
        {
            throw new ArgumentException($"The student has {student.HeadCount} heads and {source}; the teacher {teacher.HeadCount} and {teacher.Source}. Images, tokens and heads must match.", nameof(teacher));
        }

        Tape tape = source.Tape;
        int batch = source.Shape[0], heads = student.HeadCount, items = batch * heads;
        bool wanted = tape.IsRecording && source.RequiresGradient;
        Parameter? table = student.Bias?.Parameter;
        Variable loss = tape.Create(tape.Named("attention_similarity"));
        Variable? gradient = wanted ? tape.Create(tape.Named("attention_similarity.gradient"), [.. source.Shape]) : null;
        gradient?.Buffer.Span.Clear();
        var losses = new double[items];
        var tables = new float[items][];
        tape.Loop.Tiles.Run(
            items,
            (item, _) =>
            {
                SimilarityHead ours = new(student, item), theirs = new(teacher, item);
                losses[item] = ours.Compare(theirs, gradient is null ? default : gradient.Buffer.Span, TileRows, 1f / (items * source.Shape[1]));
                tables[item] = ours.TableGradient;
            },
            CancellationToken.None);
        loss.Buffer.Span[0] = (float)(losses.Sum() / items / source.Shape[1]);
        return tape.Record(loss, wanted, () =>
        {
            float factor = loss.GradientBuffer.Span[0];
            PooledBuffer result = tape.Rent(source.Length);
            TensorPrimitives.Multiply(gradient!.Values, factor, result.Span);
            source.Adopt(result);
            for (int item = 0; table is { IsTrainable: true } && item < items; item++)
            {
                for (int row = 0; row < tables[item].Length; row++)
                {
                    table.Gradient[(row * heads) + (item % heads)] += factor * tables[item][row];
                }
            }

            gradient.Release(alsoRetained: true);
        });
    }
}
