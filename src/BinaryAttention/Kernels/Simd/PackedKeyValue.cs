// Keys and values of all (batch, key head) pairs as the binary kernel reads them: key codes (or sign words where distances exceed a byte), key weights, 8-bit or float values.
// 1 bit and padding per key channel, 1 byte per value channel (4 in Full mode), 4 bytes per key for its weight.
using BinaryAttention.Bits;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class PackedKeyValue : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly int _bitsPerCode;
    private readonly bool _hasLongDistances;
    private readonly NativeBuffer _codes;
    private readonly NativeBuffer _weights;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _channels;
    private readonly long _codeBytes;
    private readonly long _valueBytes;
    private readonly int _floatPanelColumns;
    private readonly bool[] _keysAreFinite;

    public PackedKeyValue(AttentionSpecification specification, in ValueLayout layout, int bitsPerCode, int floatPanelColumns)
    {
        _specification = specification;
        _bitsPerCode = bitsPerCode;
        _floatPanelColumns = floatPanelColumns;
        Layout = layout;
        AttentionShape shape = specification.Shape;
        Heads = shape.BatchSize * shape.KeyHeadCount;
        _hasLongDistances = shape.HeadDimension > BinaryRunLimits.ByteDistances;
        _codeBytes = _hasLongDistances ? (long)shape.KeyLength * SignRow.Words(shape.HeadDimension) * sizeof(ulong) : KeyCodes.Bytes(shape.KeyLength, shape.HeadDimension, bitsPerCode);
        _valueBytes = IsFull ? (long)FloatPanels.Count(shape.ValueDimension, floatPanelColumns) * floatPanelColumns * layout.PaddedKeys * sizeof(float) : layout.Bytes;
        _codes = new NativeBuffer(Heads * _codeBytes);
        _weights = new NativeBuffer((long)Heads * shape.KeyLength * sizeof(float));
        _values = new NativeBuffer(Heads * _valueBytes);
        _channels = new NativeBuffer(2L * Heads * layout.PaddedChannels * sizeof(float));
        _keysAreFinite = new bool[Heads];
    }

    public ValueLayout Layout { get; }

    /// <summary>Number of (batch, key head) pairs.</summary>
    public int Heads { get; }

    private bool IsFull => _specification.Quantization == ValueQuantization.Full;

    public byte* Codes(int head) => _codes.Pointer + (head * _codeBytes);

    public ulong* SignWords(int head) => (ulong*)Codes(head);

    public float* Weights(int head) => _weights.As<float>() + ((long)head * _specification.Shape.KeyLength);

    public sbyte* Levels(int head) => (sbyte*)(_values.Pointer + (head * _valueBytes));

    public float* FloatValues(int head) => (float*)(_values.Pointer + (head * _valueBytes));

    public float* Scales(int head) => _channels.As<float>() + (2L * head * Layout.PaddedChannels);

    /// <summary>Channel means; in Full mode 0, or NaN for a channel that holds a NaN or infinity.</summary>
    public float* Means(int head) => Scales(head) + Layout.PaddedChannels;

    /// <summary>False if a key of the head holds a NaN or infinity.</summary>
    public bool KeysAreFinite(int head) => _keysAreFinite[head];

    public void Set(TokenView key, TokenView value, CancellationToken cancellationToken) =>
        TileLoop.Run(Heads, _specification.Threads, head => SetHead(head, key, value), cancellationToken);

    public void Dispose()
    {
        _codes.Dispose();
        _weights.Dispose();
        _values.Dispose();
        _channels.Dispose();
    }

    private void SetHead(int head, TokenView key, TokenView value)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.KeyHeadCount;
        float* keys = key.Head(batch, head % shape.KeyHeadCount);
        float* values = value.Head(batch, head % shape.KeyHeadCount);
        if (_hasLongDistances)
        {
            _keysAreFinite[head] = HeadSigns.Pack(keys, key.TokenStride, shape.KeyLength, shape.HeadDimension, _specification.Weighting.Columns, SignWords(head), Weights(head));
        }
        else
        {
            using var words = new NativeBuffer((long)shape.KeyLength * SignRow.Words(shape.HeadDimension) * sizeof(ulong));
            _keysAreFinite[head] = HeadSigns.Pack(keys, key.TokenStride, shape.KeyLength, shape.HeadDimension, _specification.Weighting.Columns, words.As<ulong>(), Weights(head));
            KeyCodes.Pack(words.As<ulong>(), shape.KeyLength, shape.HeadDimension, _bitsPerCode, Codes(head));
        }

        if (IsFull)
        {
            FloatPanels.PackChannels(values, value.TokenStride, shape.KeyLength, shape.ValueDimension, _floatPanelColumns, Layout.PaddedKeys, FloatValues(head));
            MarkNonFiniteChannels(values, value.TokenStride, new Span<float>(Means(head), shape.ValueDimension));
        }
        else
        {
            ValueQuantizer.Quantize(values, value.TokenStride, Layout, _specification.Quantization, Levels(head), Scales(head), Means(head));
        }
    }

    // In Full mode a mean is 0, or NaN for a channel that holds a NaN or infinity: 0 * x keeps either. A row's own sum would miss it where the probability is 0, or give an infinity.
    private void MarkNonFiniteChannels(float* values, nint tokenStride, Span<float> means)
    {
        means.Clear();
        for (int token = 0; token < _specification.Shape.KeyLength; token++)
        {
            System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(values + (token * tokenStride), means.Length), 0f, means, means);
        }
    }
}
