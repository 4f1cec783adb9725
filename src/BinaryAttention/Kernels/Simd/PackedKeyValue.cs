// Keys and values of all (batch, key head) pairs as the binary kernel reads them: key codes (or sign words where distances exceed a byte), key weights, 8-bit or float values.
// 1 bit and padding per key channel and plane, 1 byte per value channel (4 in Full mode), 4 bytes per key and plane for its weight. Padded keys are left out.
using System.Numerics.Tensors;
using BinaryAttention.Bits;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Simd;

internal sealed unsafe class PackedKeyValue : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly TileLoop _loop;
    private readonly Action<int, int> _setHead;
    private readonly int _bitsPerCode;
    private readonly bool _hasLongDistances;
    private readonly NativeBuffer _codes;
    private readonly NativeBuffer _weights;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _channels;
    private readonly NativeBuffer?[] _signWords;
    private readonly int _heads;
    private readonly long _codeBytes;
    private readonly long _valueBytes;
    private readonly int _floatPanelColumns;
    private readonly bool[] _keysAreFinite;
    private TokenView _key;
    private TokenView _value;

    public PackedKeyValue(AttentionSpecification specification, TileLoop loop, in ValueLayout layout, int bitsPerCode, int floatPanelColumns)
    {
        _specification = specification;
        _loop = loop;
        _setHead = SetHead;
        _bitsPerCode = bitsPerCode;
        _floatPanelColumns = floatPanelColumns;
        Layout = layout;
        AttentionShape shape = specification.Shape;
        _heads = shape.BatchSize * shape.KeyHeadCount;
        _hasLongDistances = shape.HeadDimension > BinaryRunLimits.ByteDistances;
        _codeBytes = _hasLongDistances ? SignWordBytes : KeyCodes.Bytes(shape.KeyLength, shape.HeadDimension, bitsPerCode);
        _valueBytes = IsFull ? (long)FloatPanels.Count(shape.ValueDimension, floatPanelColumns) * floatPanelColumns * layout.PaddedKeys * sizeof(float) : layout.Bytes;
        _codes = new NativeBuffer(specification.KeyPlanes * _heads * _codeBytes);
        _weights = new NativeBuffer((long)specification.KeyPlanes * _heads * shape.KeyLength * sizeof(float));
        _values = new NativeBuffer(_heads * _valueBytes);
        _channels = new NativeBuffer(2L * _heads * layout.PaddedChannels * sizeof(float));
        _signWords = new NativeBuffer?[loop.Workers];
        _keysAreFinite = new bool[_heads];
    }

    public ValueLayout Layout { get; }

    /// <summary>Bytes of codes, weights, values, scales and means.</summary>
    public long ByteCount => _codes.Bytes + _weights.Bytes + _values.Bytes + _channels.Bytes;

    private bool IsFull => _specification.Quantization == ValueQuantization.Full;

    private long SignWordBytes => (long)_specification.Shape.KeyLength * SignRow.Words(_specification.Shape.HeadDimension) * sizeof(ulong);

    public byte* Codes(int plane, int head) => _codes.Pointer + ((((long)plane * _heads) + head) * _codeBytes);

    public ulong* SignWords(int plane, int head) => (ulong*)Codes(plane, head);

    public float* Weights(int plane, int head) => _weights.As<float>() + ((((long)plane * _heads) + head) * _specification.Shape.KeyLength);

    public sbyte* Levels(int head) => (sbyte*)(_values.Pointer + (head * _valueBytes));

    public float* FloatValues(int head) => (float*)(_values.Pointer + (head * _valueBytes));

    public float* Scales(int head) => _channels.As<float>() + (2L * head * Layout.PaddedChannels);

    /// <summary>Channel means; in Full mode 0, or NaN for a channel that holds a NaN or infinity.</summary>
    public float* Means(int head) => Scales(head) + Layout.PaddedChannels;

    /// <summary>False if a valid key of the head holds a NaN or infinity.</summary>
    public bool KeysAreFinite(int head) => _keysAreFinite[head];

    public void Set(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        _key = key;
        _value = value;
        _loop.Run(_heads, _setHead, cancellationToken);
        foreach (NativeBuffer? words in _signWords)
        {
            words?.Release();
        }
    }

    public void Dispose()
    {
        _codes.Dispose();
        _weights.Dispose();
        _values.Dispose();
        _channels.Dispose();
        foreach (NativeBuffer? words in _signWords)
        {
            words?.Dispose();
        }
    }

    private void SetHead(int head, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        PackKeys(head, worker, _key.Head(batch, head % shape.KeyHeadCount), valid);
        float* values = _value.Head(batch, head % shape.KeyHeadCount);
        if (IsFull)
        {
            FloatPanels.PackChannels(values, _value.TokenStride, valid, shape.ValueDimension, _floatPanelColumns, Layout.PaddedKeys, FloatValues(head));
            MarkNonFiniteChannels(values, _value.TokenStride, valid, new Span<float>(Means(head), shape.ValueDimension));
        }
        else
        {
            ValueQuantizer.Quantize(values, _value.TokenStride, valid, Layout, _specification.Quantization, Levels(head), Scales(head), Means(head));
        }
    }

    private void PackKeys(int head, int worker, float* keys, int valid)
    {
        AttentionShape shape = _specification.Shape;
        SignSide side = _specification.KeySide;
        int planes = side.Planes;

        // Codes are cut from sign words, which are then no longer needed; one worker's memory serves all of its heads.
        NativeBuffer? temporary = _hasLongDistances ? null : _signWords[worker] ??= new NativeBuffer(planes * SignWordBytes);
        temporary?.Renew();
        ulong* firstWords = temporary is null ? SignWords(0, head) : temporary.As<ulong>();
        _keysAreFinite[head] = HeadSigns.Pack(keys, _key.TokenStride, valid, shape.HeadDimension, side, (long)head * shape.KeyLength, firstWords, Weights(0, head));
        ulong* secondWords = null;
        if (planes == 2)
        {
            secondWords = temporary is null ? SignWords(1, head) : firstWords + (SignWordBytes / sizeof(ulong));
            HeadSigns.PackRest(keys, _key.TokenStride, valid, shape.HeadDimension, side, firstWords, Weights(0, head), secondWords, Weights(1, head));
        }

        if (temporary is not null)
        {
            KeyCodes.Pack(firstWords, valid, shape.HeadDimension, _bitsPerCode, Codes(0, head));
            if (planes == 2)
            {
                KeyCodes.Pack(secondWords, valid, shape.HeadDimension, _bitsPerCode, Codes(1, head));
            }
        }
    }

    // In Full mode a mean is 0, or NaN for a channel that holds a NaN or infinity: 0 * x keeps either. A row's own sum would miss it where the probability is 0, or give an infinity.
    private static void MarkNonFiniteChannels(float* values, nint tokenStride, int tokens, Span<float> means)
    {
        means.Clear();
        for (int token = 0; token < tokens; token++)
        {
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(values + (token * tokenStride), means.Length), 0f, means, means);
        }
    }
}
