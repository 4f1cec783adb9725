// Attention probabilities in blocks of key columns, through the public door alone: attention over values that are columns of the identity matrix is those columns
// of the probability matrix, P I = P. So masks, biases, weightings and calibrations are right by construction, whatever kernel runs them.
// Memory is O(tokens x 64) for each (batch item, head); the products cost tokens^3 in all, which measuring can afford and running could not.
namespace BinaryAttention.Models.Metrics;

internal sealed class MapColumns
{
    /// <summary>Key columns of one block.</summary>
    public const int BlockColumns = 64;

    private readonly AttentionShape _shape;
    private readonly AttentionOptions _options;
    private readonly int _keyHeads;
    private readonly float[] _identity;
    private readonly float[] _probabilities;
    private int _columns;

    /// <summary>Prepares blocks of one kind of attention.</summary>
    /// <param name="shape">Sizes and strides of query and key; value and destination are the blocks' own.</param>
    /// <param name="options">Exact or one-bit options; 8-bit probabilities and a forced kernel are set aside, since maps are wanted in float.</param>
    public MapColumns(in AttentionShape shape, AttentionOptions options)
    {
        if (shape.BatchSize < 1 || shape.HeadCount < 1 || shape.QueryLength < 1 || shape.KeyLength < 1)
        {
            throw new ArgumentException($"shape is {shape}; every size must be at least 1.", nameof(shape));
        }

        _shape = shape;
        _options = options is BinaryAttentionOptions binary ? binary with { Quantization = ValueQuantization.Full, Kernel = null } : options with { Kernel = null };
        _keyHeads = shape.KeyHeadCount == 0 ? shape.HeadCount : shape.KeyHeadCount;
        int columns = Math.Min(BlockColumns, shape.KeyLength);
        _identity = new float[checked((int)((long)shape.BatchSize * _keyHeads * shape.KeyLength * columns))];
        _probabilities = new float[checked((int)((long)shape.BatchSize * shape.HeadCount * shape.QueryLength * columns))];
    }

    /// <summary>Computes the columns from <paramref name="firstKey"/> on; <see cref="Row"/> reads them.</summary>
    /// <returns>How many there are: <see cref="BlockColumns"/>, fewer at the end.</returns>
    public int Compute(ReadOnlySpan<float> query, ReadOnlySpan<float> key, int firstKey, CancellationToken cancellationToken)
    {
        _columns = Math.Min(BlockColumns, _shape.KeyLength - firstKey);
        Span<float> identity = _identity.AsSpan(0, _shape.BatchSize * _keyHeads * _shape.KeyLength * _columns);
        identity.Clear();
        bool headsFirst = _options.Layout == TensorLayout.HeadTokenDimension;
        int outer = headsFirst ? _shape.BatchSize * _keyHeads : _shape.BatchSize;
        int repeats = headsFirst ? 1 : _keyHeads;
        for (int item = 0; item < outer; item++)
        {
            for (int column = 0; column < _columns; column++)
            {
                int first = ((item * _shape.KeyLength) + firstKey + column) * repeats;
                for (int head = 0; head < repeats; head++)
                {
                    identity[((first + head) * _columns) + column] = 1;
                }
            }
        }

        AttentionShape shape = _shape with { ValueDimension = _columns, ValueTokenStride = 0, DestinationTokenStride = 0 };
        Span<float> probabilities = _probabilities.AsSpan(0, shape.BatchSize * shape.HeadCount * shape.QueryLength * _columns);
        Attend(query, key, identity, probabilities, shape, _options, cancellationToken);
        return _columns;
    }

    /// <summary>One query's probabilities in the columns computed last.</summary>
    public ReadOnlySpan<float> Row(int batch, int head, int row)
    {
        int position = _options.Layout == TensorLayout.HeadTokenDimension
            ? (((batch * _shape.HeadCount) + head) * _shape.QueryLength) + row
            : (((batch * _shape.QueryLength) + row) * _shape.HeadCount) + head;
        return _probabilities.AsSpan(position * _columns, _columns);
    }

    /// <summary>Exact or one-bit attention, as the type of the options says.</summary>
    public static void Attend(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value, Span<float> destination, in AttentionShape shape, AttentionOptions options, CancellationToken cancellationToken)
    {
        if (options is BinaryAttentionOptions binary)
        {
            Attention.BinaryScaledDotProduct(query, key, value, destination, shape, binary, default, cancellationToken);
        }
        else
        {
            Attention.ScaledDotProduct(query, key, value, destination, shape, options, default, cancellationToken);
        }
    }
}
