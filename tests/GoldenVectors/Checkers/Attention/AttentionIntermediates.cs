// The reference's intermediates, laid out as the files hold them: [batch, heads, ...].
using BinaryAttention;
using BinaryAttention.Reference;

namespace GoldenVectors.Checkers.Attention;

internal sealed class AttentionIntermediates
{
    private readonly AttentionModuleSizes _sizes;

    public AttentionIntermediates(AttentionModule module, AttentionFlags flags)
    {
        _sizes = module.Sizes;
        int heads = _sizes.BatchSize * _sizes.HeadCount;
        int tokens = _sizes.TokenCount;
        Logits = new double[heads * tokens * tokens];
        Probabilities = new double[Logits.Length];
        ProbabilityLevels = new int[Logits.Length];
        QueryMagnitudes = new double[heads];
        KeyMagnitudes = new double[heads];
        ValueScales = new double[heads * _sizes.HeadDimension];
        ValueLevels = new int[heads * tokens * _sizes.HeadDimension];
        QuantizedValues = new double[ValueLevels.Length];
        ReferenceInputs inputs = module.Reference(flags);
        for (int plane = 0; plane < heads; plane++)
        {
            int batch = plane / _sizes.HeadCount;
            int head = plane % _sizes.HeadCount;
            if (flags.IsBinary)
            {
                Binary(new ReferenceBinaryHead(inputs, batch, head), plane);
            }
            else
            {
                for (int query = 0; query < tokens; query++)
                {
                    ReferenceExactAttention.Logits(inputs, batch, head, query, Logits.AsSpan(Offset(plane, query), tokens));
                }
            }

            for (int query = 0; query < tokens; query++)
            {
                Span<double> row = Probabilities.AsSpan(Offset(plane, query), tokens);
                Logits.AsSpan(Offset(plane, query), tokens).CopyTo(row);
                ReferenceSoftmax.Probabilities(row);
            }
        }
    }

    public double[] Logits { get; }

    public double[] Probabilities { get; }

    public int[] ProbabilityLevels { get; }

    public double[] QueryMagnitudes { get; }

    public double[] KeyMagnitudes { get; }

    public double[] ValueScales { get; }

    public int[] ValueLevels { get; }

    public double[] QuantizedValues { get; }

    private int Offset(int plane, int query) => ((plane * _sizes.TokenCount) + query) * _sizes.TokenCount;

    private void Binary(ReferenceBinaryHead head, int plane)
    {
        QueryMagnitudes[plane] = head.RowWeights[0];
        KeyMagnitudes[plane] = head.ColumnWeights[0];
        bool is8Bit = head.Specification.Quantization != ValueQuantization.Full;
        int dimension = _sizes.HeadDimension;
        for (int token = 0; token < _sizes.TokenCount; token++)
        {
            head.Logits(token, Logits.AsSpan(Offset(plane, token), _sizes.TokenCount));
            if (!is8Bit)
            {
                continue;
            }

            ReferenceBinaryAttention.Levels(head, token).Levels.CopyTo(ProbabilityLevels, Offset(plane, token));
            for (int channel = 0; channel < dimension; channel++)
            {
                int index = (((plane * _sizes.TokenCount) + token) * dimension) + channel;
                ValueScales[(plane * dimension) + channel] = head.Values.Scales[channel];
                ValueLevels[index] = head.Values.Levels[token, channel];
                QuantizedValues[index] = head.Values.ForGradient(token, channel);
            }
        }
    }
}
