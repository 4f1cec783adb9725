using System.Numerics;
using System.Numerics.Tensors;
using BinaryAttention.Bits;
using BinaryAttention.Kernels;
using BinaryAttention.Shapes;

namespace BinaryAttention;

/// <summary>
/// The signs and mean magnitudes of queries or keys: one bit a channel, <c>bit = x &gt;= 0</c> (so +0 and -0 give 1, unless asked otherwise), and one float a token. Made once, read from any number of threads until it is disposed.
/// </summary>
public sealed class PackedSigns : IDisposable
{
    private readonly bool[] _isFinite;
    private readonly float[] _headMagnitudes;
    private ulong[]? _words;
    private float[]? _magnitudes;

    private unsafe PackedSigns(float* data, in OperandExtent extent, float threshold)
    {
        BatchSize = extent.Batch;
        HeadCount = extent.Heads;
        TokenCount = extent.Tokens;
        Dimension = extent.Dimension;
        WordsPerToken = SignRow.Words(Dimension);
        if (BigInteger.Multiply((long)BatchSize * HeadCount, (long)TokenCount * WordsPerToken) > Array.MaxLength)
        {
            throw new ArgumentException($"{extent.Name} has {BatchSize} x {HeadCount} x {TokenCount} tokens of {WordsPerToken} words; at most {Array.MaxLength} words are packed at once. Pack fewer items.", extent.Name);
        }

        int heads = BatchSize * HeadCount;
        int tokens = heads * TokenCount;
        _words = new ulong[tokens * WordsPerToken];
        _magnitudes = new float[tokens];
        _headMagnitudes = new float[heads];
        _isFinite = new bool[heads];
        TokenView view = extent.View(data);
        fixed (ulong* words = _words)
        fixed (float* magnitudes = _magnitudes)
        {
            for (int head = 0; head < heads; head++)
            {
                float* first = view.Head(head / HeadCount, head % HeadCount);
                long token = (long)head * TokenCount;
                double total = HeadSigns.PackTokens(first, view.TokenStride, TokenCount, Dimension, threshold, words + (token * WordsPerToken), magnitudes + token);
                _headMagnitudes[head] = HeadSigns.HeadMagnitude(total, TokenCount, Dimension);
                _isFinite[head] = double.IsFinite(total);
            }
        }
    }

    /// <summary>Independent items.</summary>
    public int BatchSize { get; }

    /// <summary>Heads of an item.</summary>
    public int HeadCount { get; }

    /// <summary>Tokens of a head.</summary>
    public int TokenCount { get; }

    /// <summary>Channels of a token.</summary>
    public int Dimension { get; }

    /// <summary>64-bit words of a token; bits beyond the last channel are 0.</summary>
    public int WordsPerToken { get; }

    /// <summary>Bytes that signs and magnitudes take.</summary>
    public long ByteCount => ((long)BatchSize * HeadCount * TokenCount * ((WordsPerToken * sizeof(ulong)) + sizeof(float))) + ((long)BatchSize * HeadCount * (sizeof(float) + sizeof(bool)));

    /// <summary>Packs queries or keys.</summary>
    /// <param name="values"><c>[batch, heads, tokens, dimension]</c>, or tokens before heads; any strides with contiguous channels.</param>
    /// <param name="layout">The order of heads and tokens.</param>
    /// <param name="signOfZero">The sign of an exact zero.</param>
    /// <exception cref="ArgumentException">The rank is not 4, a length is 0, or the strides cannot be read.</exception>
    public static unsafe PackedSigns Pack(in ReadOnlyTensorSpan<float> values, TensorLayout layout = TensorLayout.HeadTokenDimension, SignOfZero signOfZero = SignOfZero.Positive)
    {
        OperandExtent extent = ShapeChecks.Extent(values.Lengths, values.Strides, layout, nameof(values));
        fixed (float* data = values)
        {
            return new PackedSigns(data, extent, SignSide.ThresholdOf(signOfZero));
        }
    }

    /// <summary>The sign words of one token, channel c at bit <c>c mod 64</c> of word <c>c / 64</c>.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head.</param>
    /// <param name="token">Token.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The signs were disposed.</exception>
    public ReadOnlySpan<ulong> Words(int batch, int head, int token)
    {
        ObjectDisposedException.ThrowIf(_words is null, this);
        return _words.AsSpan(Token(batch, head, token) * WordsPerToken, WordsPerToken);
    }

    /// <summary>Mean of the absolute values of one token's channels; not finite if one of them is not.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head.</param>
    /// <param name="token">Token.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The signs were disposed.</exception>
    public float TokenMagnitude(int batch, int head, int token)
    {
        ObjectDisposedException.ThrowIf(_magnitudes is null, this);
        return _magnitudes[Token(batch, head, token)];
    }

    /// <summary>Mean of the absolute values over the tokens and channels of one head (BinaryAttention, section 4).</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is out of range.</exception>
    public float HeadMagnitude(int batch, int head) => _headMagnitudes[Head(batch, head)];

    /// <summary>Whether every value of one head was finite.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is out of range.</exception>
    public bool IsFinite(int batch, int head) => _isFinite[Head(batch, head)];

    /// <summary>Channels in which two tokens of the same (batch, head) differ in sign; the sign dot product is <c>Dimension - 2 * distance</c>.</summary>
    /// <param name="batch">Batch item.</param>
    /// <param name="head">Head.</param>
    /// <param name="token">A token of these signs.</param>
    /// <param name="other">The other signs, of the same dimension.</param>
    /// <param name="otherToken">A token of the other signs.</param>
    /// <exception cref="ArgumentException">The dimensions differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is out of range.</exception>
    /// <exception cref="ObjectDisposedException">Either was disposed.</exception>
    public int HammingDistance(int batch, int head, int token, PackedSigns other, int otherToken)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Dimension != Dimension)
        {
            throw new ArgumentException($"other has dimension {other.Dimension}; these signs have {Dimension}. Both must match.", nameof(other));
        }

        ReadOnlySpan<ulong> left = Words(batch, head, token);
        ReadOnlySpan<ulong> right = other.Words(batch, head, otherToken);
        int distance = 0;
        for (int word = 0; word < left.Length; word++)
        {
            distance += BitOperations.PopCount(left[word] ^ right[word]);
        }

        return distance;
    }

    /// <summary>Lets the memory go; later reads throw.</summary>
    public void Dispose()
    {
        _words = null;
        _magnitudes = null;
    }

    private int Head(int batch, int head) => (Index(batch, BatchSize, nameof(batch)) * HeadCount) + Index(head, HeadCount, nameof(head));

    private int Token(int batch, int head, int token) => (Head(batch, head) * TokenCount) + Index(token, TokenCount, nameof(token));

    private static int Index(int index, int count, string name) => (uint)index < (uint)count
        ? index
        : throw new ArgumentOutOfRangeException(name, index, $"{name} is {index}; expected 0 to {count - 1}.");
}
