// Checks an output against double precision on randomly chosen rows. Exact: softmax(q k^T * scale + bias) v. Binary: the same softmax over the binary logits
// rowWeight * columnWeight * scale * signDot + bias, with exact float values v: what the operator means before anything is quantised.
namespace BinaryAttention.Cli.Benchmarking;

internal sealed class RowErrors
{
    private const int RowCount = 64;

    private readonly AttentionShape _shape;
    private readonly GaussianInputs _inputs;
    private readonly AttentionBias? _bias;
    private readonly (int Batch, int Head, int Query)[] _rows;

    public RowErrors(in AttentionShape shape, GaussianInputs inputs, AttentionBias? bias, int seed)
    {
        (_shape, _inputs, _bias) = (shape, inputs, bias);
        long all = (long)shape.BatchSize * shape.HeadCount * shape.QueryLength;
        IEnumerable<long> chosen;
        if (all <= RowCount)
        {
            chosen = Enumerable.Range(0, (int)all).Select(row => (long)row);
        }
        else
        {
            var random = new Random(seed);
            var distinct = new SortedSet<long>();
            while (distinct.Count < RowCount)
            {
                distinct.Add(random.NextInt64(all));
            }

            chosen = distinct;
        }

        (int heads, int queries) = (shape.HeadCount, shape.QueryLength);
        _rows = [.. chosen.Select(row => ((int)(row / queries / heads), (int)(row / queries % heads), (int)(row % queries)))];
    }

    /// <summary>The wanted rows of the exact operation, one after the other.</summary>
    public double[] Exact(float logitScale) => Reference(row => ExactLogits(row.Batch, row.Head, row.Query, logitScale));

    /// <summary>The wanted rows of the binary operation.</summary>
    public double[] Binary(float logitScale, SignWeighting weighting) => Reference(row => BinaryLogits(row.Batch, row.Head, row.Query, logitScale, weighting));

    /// <summary>Cosine similarity over all wanted rows together, and ||output - reference|| / ||reference||.</summary>
    public (double CosineSimilarity, double RelativeError) Compare(float[] output, double[] reference)
    {
        double dot = 0;
        double outputSquares = 0;
        double referenceSquares = 0;
        double differenceSquares = 0;
        for (int row = 0; row < _rows.Length; row++)
        {
            ReadOnlySpan<float> actual = output.AsSpan(Offset(_rows[row].Batch, _rows[row].Head, _rows[row].Query, _shape.QueryLength, _shape.ValueDimension), _shape.ValueDimension);
            ReadOnlySpan<double> wanted = reference.AsSpan(row * _shape.ValueDimension, _shape.ValueDimension);
            for (int channel = 0; channel < actual.Length; channel++)
            {
                dot += actual[channel] * wanted[channel];
                outputSquares += (double)actual[channel] * actual[channel];
                referenceSquares += wanted[channel] * wanted[channel];
                double difference = actual[channel] - wanted[channel];
                differenceSquares += difference * difference;
            }
        }

        return (dot / Math.Sqrt(outputSquares * referenceSquares), Math.Sqrt(differenceSquares / referenceSquares));
    }

    private static int Offset(int batch, int head, int token, int tokens, int dimension, int heads) => checked(((((batch * heads) + head) * tokens) + token) * dimension);

    private int Offset(int batch, int head, int token, int tokens, int dimension) => Offset(batch, head, token, tokens, dimension, _shape.HeadCount);

    private double[] Reference(Func<(int Batch, int Head, int Query), double[]> logitsOf)
    {
        var reference = new double[_rows.Length * _shape.ValueDimension];
        for (int row = 0; row < _rows.Length; row++)
        {
            double[] logits = logitsOf(_rows[row]);
            double rowMax = logits.Max();
            double rowSum = 0;
            Span<double> result = reference.AsSpan(row * _shape.ValueDimension, _shape.ValueDimension);
            for (int key = 0; key < logits.Length; key++)
            {
                double numerator = Math.Exp(logits[key] - rowMax);
                rowSum += numerator;
                ReadOnlySpan<float> value = _inputs.Value.AsSpan(Offset(_rows[row].Batch, _rows[row].Head, key, _shape.KeyLength, _shape.ValueDimension), _shape.ValueDimension);
                for (int channel = 0; channel < value.Length; channel++)
                {
                    result[channel] += numerator * value[channel];
                }
            }

            foreach (ref double channel in result)
            {
                channel /= rowSum;
            }
        }

        return reference;
    }

    private double[] ExactLogits(int batch, int head, int query, double logitScale)
    {
        ReadOnlySpan<float> left = Query(batch, head, query);
        var logits = new double[_shape.KeyLength];
        for (int key = 0; key < logits.Length; key++)
        {
            ReadOnlySpan<float> right = Key(batch, head, key);
            double dot = 0;
            for (int channel = 0; channel < left.Length; channel++)
            {
                dot += (double)left[channel] * right[channel];
            }

            logits[key] = (dot * logitScale) + BenchmarkBias.At(_bias, head, query, key);
        }

        return logits;
    }

    private double[] BinaryLogits(int batch, int head, int query, double logitScale, SignWeighting weighting)
    {
        ReadOnlySpan<float> left = Query(batch, head, query);
        double rowWeight = weighting.Rows == SignWeightingMode.Learned
            ? weighting.RowWeights.Span[Offset(batch, head, query, _shape.QueryLength, 1)]
            : Weight(weighting.Rows, left, _inputs.Query.AsSpan(Offset(batch, head, 0, _shape.QueryLength, _shape.HeadDimension), _shape.QueryLength * _shape.HeadDimension));
        ReadOnlySpan<float> keys = _inputs.Key.AsSpan(Offset(batch, head, 0, _shape.KeyLength, _shape.HeadDimension), _shape.KeyLength * _shape.HeadDimension);
        double headWeight = weighting.Columns == SignWeightingMode.MeanMagnitudePerHead ? Weight(weighting.Columns, default, keys) : 1;
        var logits = new double[_shape.KeyLength];
        for (int key = 0; key < logits.Length; key++)
        {
            ReadOnlySpan<float> right = Key(batch, head, key);
            int signDot = 0;
            for (int channel = 0; channel < left.Length; channel++)
            {
                signDot += (left[channel] >= 0) == (right[channel] >= 0) ? 1 : -1;
            }

            double columnWeight = weighting.Columns switch
            {
                SignWeightingMode.MeanMagnitudePerToken => Weight(weighting.Columns, right, default),
                SignWeightingMode.Learned => weighting.ColumnWeights.Span[Offset(batch, head, key, _shape.KeyLength, 1)],
                _ => headWeight,
            };
            logits[key] = (rowWeight * columnWeight * logitScale * signDot) + BenchmarkBias.At(_bias, head, query, key);
        }

        return logits;
    }

    private ReadOnlySpan<float> Query(int batch, int head, int token) =>
        _inputs.Query.AsSpan(Offset(batch, head, token, _shape.QueryLength, _shape.HeadDimension), _shape.HeadDimension);

    private ReadOnlySpan<float> Key(int batch, int head, int token) =>
        _inputs.Key.AsSpan(Offset(batch, head, token, _shape.KeyLength, _shape.HeadDimension), _shape.HeadDimension);

    private static double Weight(SignWeightingMode mode, ReadOnlySpan<float> token, ReadOnlySpan<float> wholeHead) => mode switch
    {
        SignWeightingMode.MeanMagnitudePerToken => MeanMagnitude(token),
        SignWeightingMode.MeanMagnitudePerHead => MeanMagnitude(wholeHead),
        _ => 1,
    };

    private static double MeanMagnitude(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += Math.Abs((double)value);
        }

        return sum / values.Length;
    }
}
