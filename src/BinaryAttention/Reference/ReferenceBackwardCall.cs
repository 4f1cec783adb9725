// The reference gradients behind the public door: dense copies in, double throughout, rounded to float32 at the end.
using BinaryAttention.Kernels;
using BinaryAttention.Kernels.Backward;
using BinaryAttention.Shapes;

namespace BinaryAttention.Reference;

internal static unsafe class ReferenceBackwardCall
{
    public static void Run(AttentionSpecification specification, BackwardCall call, CancellationToken cancellationToken)
    {
        AttentionShape shape = specification.Shape;
        ReferenceOperand query = ReferenceOperand.Copy(call.Query, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.HeadDimension);
        ReferenceOperand key = ReferenceOperand.Copy(call.Key, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.HeadDimension);
        ReferenceOperand value = ReferenceOperand.Copy(call.Value, shape.BatchSize, shape.KeyHeadCount, shape.KeyLength, shape.ValueDimension);
        ReferenceOperand upstream = ReferenceOperand.Copy(call.OutputGradient, shape.BatchSize, shape.HeadCount, shape.QueryLength, shape.ValueDimension);
        var inputs = new ReferenceInputs(specification, query, key, value);
        cancellationToken.ThrowIfCancellationRequested();
        ReferenceGradients gradients = specification.IsBinary ? ReferenceBinaryAttentionBackward.Run(inputs, upstream.All) : ReferenceAttentionBackward.Run(inputs, upstream.All);
        Write(gradients.Query, query, call.QueryGradient, shape.BatchSize);
        Write(gradients.Key, key, call.KeyGradient, shape.BatchSize);
        Write(gradients.Value, value, call.ValueGradient, shape.BatchSize);
        Write(gradients.Bias, call.Bias);
        Write(gradients.BiasKeyFactors, call.BiasKeyFactors);
        Write(gradients.RowWeights, call.RowWeights);
        Write(gradients.ColumnWeights, call.ColumnWeights);
    }

    private static void Write(double[] gradient, ReferenceOperand operand, TokenView destination, int batchSize)
    {
        for (int batch = 0; batch < batchSize; batch++)
        {
            for (int head = 0; head < operand.HeadCount; head++)
            {
                for (int token = 0; token < operand.TokenCount; token++)
                {
                    float* channels = destination.Token(batch, head, token);
                    int offset = operand.Offset(batch, head, token);
                    for (int channel = 0; channel < operand.Dimension; channel++)
                    {
                        channels[channel] = (float)gradient[offset + channel];
                    }
                }
            }
        }
    }

    private static void Write(double[] gradient, float* destination)
    {
        for (int i = 0; destination is not null && i < gradient.Length; i++)
        {
            destination[i] = (float)gradient[i];
        }
    }
}
