// Values of all (batch, key head) pairs as the products of the one-bit kernel take them: centred 8-bit levels with a scale and mean per channel, or floats whose "mean" is 0, NaN for a channel with a NaN or infinity.
using System.Numerics.Tensors;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.EightBit;

internal sealed unsafe class EightBitValues : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly ValueLayout _layout;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _channels;
    private readonly long _headBytes;
    private readonly int _floatPanelColumns;

    public EightBitValues(AttentionSpecification specification, in ValueLayout layout, int floatPanelColumns)
    {
        _specification = specification;
        _layout = layout;
        _floatPanelColumns = floatPanelColumns;
        AttentionShape shape = specification.Shape;
        int heads = shape.BatchSize * shape.KeyHeadCount;
        _headBytes = IsFull ? (long)FloatPanels.Count(shape.ValueDimension, floatPanelColumns) * floatPanelColumns * layout.PaddedKeys * sizeof(float) : layout.Bytes;
        _values = new NativeBuffer(heads * _headBytes);
        _channels = new NativeBuffer(2L * heads * layout.PaddedChannels * sizeof(float));
    }

    public long ByteCount => _values.Bytes + _channels.Bytes;

    private bool IsFull => _specification.Quantization == ValueQuantization.Full;

    public sbyte* Levels(int head) => (sbyte*)(_values.Pointer + (head * _headBytes));

    public float* Floats(int head) => (float*)Levels(head);

    public float* Scales(int head) => _channels.As<float>() + (2L * head * _layout.PaddedChannels);

    public float* Means(int head) => Scales(head) + _layout.PaddedChannels;

    public void SetHead(TokenView value, int head)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        float* values = value.Head(batch, head % shape.KeyHeadCount);
        if (!IsFull)
        {
            ValueQuantizer.Quantize(values, value.TokenStride, valid, _layout, _specification.Quantization, Levels(head), Scales(head), Means(head));
            return;
        }

        FloatPanels.PackChannels(values, value.TokenStride, valid, shape.ValueDimension, _floatPanelColumns, _layout.PaddedKeys, Floats(head));
        var marks = new Span<float>(Means(head), shape.ValueDimension);
        marks.Clear();
        for (int token = 0; token < valid; token++)
        {
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<float>(values + (token * value.TokenStride), marks.Length), 0f, marks, marks);
        }
    }

    public void Dispose()
    {
        _values.Dispose();
        _channels.Dispose();
    }
}
