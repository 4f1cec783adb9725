// The attention's output three times (exact, one-bit in float, one-bit as it runs) and the lengths of their differences for every (batch item, head).
namespace BinaryAttention.Models.Metrics;

internal sealed class OutputComparison
{
    private readonly AttentionShape _shape;
    private readonly bool _headsFirst;
    private readonly int _specialRows;
    private readonly float[] _exact;
    private readonly float[] _float;
    private readonly float[] _run;

    private OutputComparison(in AttentionShape shape, bool headsFirst, int specialRows, float[] exact, float[] inFloat, float[] run) =>
        (_shape, _headsFirst, _specialRows, _exact, _float, _run) = (shape, headsFirst, specialRows, exact, inFloat, run);

    public static OutputComparison Measure(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, in AttentionShape shape, AttentionOptions exact, BinaryAttentionOptions binary, int specialRows, CancellationToken cancellationToken)
    {
        AttentionShape dense = shape with { DestinationTokenStride = 0 };
        int length = checked((int)Math.Max(0, (long)shape.BatchSize * shape.HeadCount * shape.QueryLength * shape.ValueDimension));
        var outputs = new float[3][];
        AttentionOptions[] options = [exact, binary with { Quantization = ValueQuantization.Full, Kernel = null }, binary];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = new float[length];
            MapColumns.Attend(query, key, value, outputs[i], dense, options[i], cancellationToken);
        }

        return new OutputComparison(dense, exact.Layout == TensorLayout.HeadTokenDimension, specialRows, outputs[0], outputs[1], outputs[2]);
    }

    /// <summary>The errors of one (batch item, head), counted <c>batch * heads + head</c>.</summary>
    public OutputErrors Of(int index)
    {
        int batch = index / _shape.HeadCount, head = index % _shape.HeadCount, width = _shape.ValueDimension;
        double exact = 0, total = 0, signs = 0, quantization = 0, specialExact = 0, specialTotal = 0;
        for (int row = 0; row < _shape.QueryLength; row++)
        {
            if (row == _specialRows)
            {
                (specialExact, specialTotal) = (exact, total);
            }

            int position = _headsFirst ? (index * _shape.QueryLength) + row : (((batch * _shape.QueryLength) + row) * _shape.HeadCount) + head;
            for (int i = position * width; i < (position + 1) * width; i++)
            {
                exact += (double)_exact[i] * _exact[i];
                total += Square((double)_run[i] - _exact[i]);
                signs += Square((double)_float[i] - _exact[i]);
                quantization += Square((double)_run[i] - _float[i]);
            }
        }

        if (_specialRows == _shape.QueryLength)
        {
            (specialExact, specialTotal) = (exact, total);
        }

        return new OutputErrors(Ratio(total, exact), _specialRows == 0 ? double.NaN : Ratio(specialTotal, specialExact), Ratio(signs, exact), Ratio(quantization, exact));
    }

    private static double Square(double difference) => difference * difference;

    // An exact output of zeros met to the bit has no error; one that is missed has an infinite one.
    private static double Ratio(double squares, double exactSquares) => squares == 0 ? 0 : Math.Sqrt(squares / exactSquares);
}
