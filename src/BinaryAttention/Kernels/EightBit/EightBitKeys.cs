// Keys of all (batch, key head) pairs: levels of what remains of them without their mean, scales, and the sums that undo the queries' offset. One byte per channel, 8 bytes per key.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.EightBit;

internal sealed unsafe class EightBitKeys : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly TokenLayout _layout;
    private readonly NativeBuffer _levels;
    private readonly NativeBuffer _scales;
    private readonly NativeBuffer _starts;
    private readonly NativeBuffer _means;
    private readonly NativeBuffer _rows;
    private readonly double[][] _sums;
    private readonly bool[] _areFinite;

    public EightBitKeys(AttentionSpecification specification, int workers, in TokenLayout layout)
    {
        _specification = specification;
        _layout = layout;
        AttentionShape shape = specification.Shape;
        int heads = shape.BatchSize * shape.KeyHeadCount;
        _levels = new NativeBuffer(heads * layout.KeyBytes);
        _scales = new NativeBuffer((long)heads * layout.PaddedKeys * sizeof(float));
        _starts = new NativeBuffer((long)heads * layout.PaddedKeys * sizeof(int));
        _means = new NativeBuffer((long)heads * shape.HeadDimension * sizeof(float));
        _rows = new NativeBuffer((long)workers * layout.PaddedChannels);
        _sums = [.. Enumerable.Range(0, workers).Select(_ => new double[shape.HeadDimension])];
        _areFinite = new bool[heads];
    }

    public long ByteCount => _levels.Bytes + _scales.Bytes + _starts.Bytes + _means.Bytes;

    public sbyte* Levels(int head) => (sbyte*)_levels.Pointer + (head * _layout.KeyBytes);

    public float* Scales(int head) => _scales.As<float>() + ((long)head * _layout.PaddedKeys);

    /// <summary>Per key -128 times the sum of its levels.</summary>
    public int* Starts(int head) => _starts.As<int>() + ((long)head * _layout.PaddedKeys);

    public float* Means(int head) => _means.As<float>() + ((long)head * _specification.Shape.HeadDimension);

    /// <summary>False if a valid key of the head holds a NaN or infinity.</summary>
    public bool AreFinite(int head) => _areFinite[head];

    /// <summary>Packs the keys of one head.</summary>
    public void SetHead(TokenView key, int head, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        float* tokens = key.Head(batch, head % shape.KeyHeadCount);
        float* means = Means(head);
        float* scales = Scales(head);
        int* starts = Starts(head);
        sbyte* row = (sbyte*)_rows.Pointer + ((long)worker * _layout.PaddedChannels);
        TokenQuantizer.Means(tokens, key.TokenStride, valid, new Span<float>(means, shape.HeadDimension), _sums[worker]);
        bool finite = true;
        for (int token = 0; token < valid && finite; token++)
        {
            scales[token] = TokenQuantizer.Quantize(tokens + (token * key.TokenStride), means, shape.HeadDimension, row);
            finite = !float.IsNaN(scales[token]);
            starts[token] = -TokenLayout.Offset * Place(row, Levels(head) + _layout.KeyOffset(token));
        }

        _areFinite[head] = finite;
    }

    public void Dispose()
    {
        _levels.Dispose();
        _scales.Dispose();
        _starts.Dispose();
        _means.Dispose();
        _rows.Dispose();
    }

    // Puts a key's groups of channels where they belong and gives the sum of its levels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Place(sbyte* row, sbyte* key)
    {
        Vector256<int> sums = Vector256<int>.Zero;
        for (int channel = 0; channel < _layout.PaddedChannels; channel += 8)
        {
            Vector128<short> words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)(row + channel)).AsSByte());
            sums += Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words));
        }

        int sum = Vector256.Sum(sums);
        if (_layout.GroupChannels == 4)
        {
            for (int channel = 0; channel < _layout.PaddedChannels; channel += 4)
            {
                *(int*)(key + (channel / 4 * _layout.GroupBytes)) = *(int*)(row + channel);
            }
        }
        else
        {
            for (int channel = 0; channel < _layout.PaddedChannels; channel += 2)
            {
                *(short*)(key + (channel / 2 * _layout.GroupBytes)) = *(short*)(row + channel);
            }
        }

        return sum;
    }
}
