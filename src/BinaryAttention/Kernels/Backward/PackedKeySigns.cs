// Keys of all (batch, key head) pairs for the backward pass: codes for the distance lookups (sign words where distances exceed a byte) and weights.
using BinaryAttention.Bits;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class PackedKeySigns : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly int _bitsPerCode;
    private readonly bool _hasLongDistances;
    private readonly NativeBuffer _codes;
    private readonly NativeBuffer _weights;
    private readonly NativeBuffer?[] _temporaryWords;
    private readonly long _codeBytes;

    public PackedKeySigns(AttentionSpecification specification, int bitsPerCode, int workers)
    {
        _specification = specification;
        _bitsPerCode = bitsPerCode;
        AttentionShape shape = specification.Shape;
        long heads = (long)shape.BatchSize * shape.KeyHeadCount;
        _hasLongDistances = shape.HeadDimension > BinaryRunLimits.ByteDistances;
        _codeBytes = _hasLongDistances ? WordBytes : KeyCodes.Bytes(shape.KeyLength, shape.HeadDimension, bitsPerCode);
        _codes = new NativeBuffer(heads * _codeBytes);
        _weights = new NativeBuffer(heads * shape.KeyLength * sizeof(float));
        _temporaryWords = new NativeBuffer?[_hasLongDistances ? 0 : workers];
    }

    public long Bytes => _codes.Bytes + _weights.Bytes + (_temporaryWords.Length * WordBytes);

    private long WordBytes => (long)_specification.Shape.KeyLength * SignRow.Words(_specification.Shape.HeadDimension) * sizeof(ulong);

    public byte* Codes(int keyHead) => _codes.Pointer + (keyHead * _codeBytes);

    /// <summary>Sign words, where distances exceed a byte.</summary>
    public ulong* Words(int keyHead) => (ulong*)Codes(keyHead);

    public float* Weights(int keyHead) => _weights.As<float>() + ((long)keyHead * _specification.Shape.KeyLength);

    /// <summary>Packs one head and gives its sign words, which hold until the worker's next call.</summary>
    public ulong* Set(TokenView key, int keyHead, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = keyHead / shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        int dimension = shape.HeadDimension;
        ulong* words = _hasLongDistances ? Words(keyHead) : (_temporaryWords[worker] ??= new NativeBuffer(WordBytes)).As<ulong>();
        new Span<ulong>(words, checked((int)(WordBytes / sizeof(ulong)))).Clear();
        HeadSigns.Pack(key.Head(batch, keyHead % shape.KeyHeadCount), key.TokenStride, valid, dimension, _specification.KeySide, (long)keyHead * shape.KeyLength, words, Weights(keyHead));
        if (!_hasLongDistances)
        {
            KeyCodes.Pack(words, valid, dimension, _bitsPerCode, Codes(keyHead));
        }

        return words;
    }

    public void Dispose()
    {
        _codes.Dispose();
        _weights.Dispose();
        foreach (NativeBuffer? words in _temporaryWords)
        {
            words?.Dispose();
        }
    }
}
