// Where the items of a backward call add up key and value gradients, [key][padded channel]: one buffer per worker if an item does a whole (batch, key head) group, else one per item, which are added
// in the order of the segments at the end. Either way the order of additions follows from the shape alone.
using System.Numerics.Tensors;
using BinaryAttention.Shapes;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class KeyGradientSums : IDisposable
{
    private readonly BackwardPartition _partition;
    private readonly int _keyColumns;
    private readonly int _valueColumns;
    private readonly NativeBuffer _memory;
    private readonly long _elements;

    public KeyGradientSums(BackwardPartition partition, int keyColumns, int valueColumns, int workers)
    {
        _partition = partition;
        _keyColumns = keyColumns;
        _valueColumns = valueColumns;
        _elements = (long)partition.PaddedKeys * (keyColumns + valueColumns);
        _memory = new NativeBuffer((partition.Segments == 1 ? workers : partition.Items) * _elements * sizeof(float));
    }

    public long Bytes => _memory.Bytes;

    public float* Keys(int group, int segment, int worker) =>
        _memory.As<float>() + (_elements * (_partition.Segments == 1 ? worker : (group * (long)_partition.Segments) + segment));

    public float* Values(int group, int segment, int worker) => Keys(group, segment, worker) + ((long)_partition.PaddedKeys * _keyColumns);

    public void Clear(int group, int segment, int worker)
    {
        float* sums = Keys(group, segment, worker);
        for (long key = 0; key < _partition.PaddedKeys; key++)
        {
            new Span<float>(sums + (key * (_keyColumns + _valueColumns)), _keyColumns + _valueColumns).Clear();
        }
    }

    public void WriteKeys(int group, int worker, TokenView gradient, int batch, int head, int tokens, int dimension)
    {
        for (int segment = 0; segment < _partition.Segments; segment++)
        {
            Add(Keys(group, segment, worker), _keyColumns, gradient, batch, head, tokens, dimension, isFirst: segment == 0);
        }
    }

    public void WriteValues(int group, int worker, TokenView gradient, int batch, int head, int tokens, int dimension)
    {
        for (int segment = 0; segment < _partition.Segments; segment++)
        {
            Add(Values(group, segment, worker), _valueColumns, gradient, batch, head, tokens, dimension, isFirst: segment == 0);
        }
    }

    public void Dispose() => _memory.Dispose();

    private static void Add(float* sums, int columns, TokenView gradient, int batch, int head, int tokens, int dimension, bool isFirst)
    {
        for (int token = 0; token < tokens; token++)
        {
            var source = new ReadOnlySpan<float>(sums + ((long)token * columns), dimension);
            var destination = new Span<float>(gradient.Token(batch, head, token), dimension);
            if (isFirst)
            {
                source.CopyTo(destination);
            }
            else
            {
                TensorPrimitives.Add(destination, source, destination);
            }
        }
    }
}
