// Gradients of the bias: sums of logit gradients over all pairs that read an entry (operator page, "Backward").
// Dense biases have their gradients added where the caller wants them: the rows of a tile are nobody else's while it is computed (BackwardPartition sees to it). All other forms are small, so every
// item adds to a plane of its own per query head, and the planes are added up in the order of the items at the end; the order follows from the shape alone.
//   per key:             plane [key]
//   relative position:   plane [reversed grid entries, class to token, token to class, class to class]; reversed as in BiasRows, so that a grid row of keys is a run of plain additions
//   low rank:            plane [rank][key] for the key factors; query factors [(batch, head)][query][rank], each row written by its tile
using System.Numerics.Tensors;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class BiasGradient : IDisposable
{
    private readonly AttentionSpecification _specification;
    private readonly AttentionBias _bias;
    private readonly BackwardPartition _partition;
    private readonly BackwardCall _call;
    private readonly NativeBuffer _planes;
    private readonly NativeBuffer _queryFactors;
    private readonly long _planeElements;

    private BiasGradient(AttentionSpecification specification, AttentionBias bias, BackwardPartition partition, BackwardCall call)
    {
        _specification = specification;
        _bias = bias;
        _partition = partition;
        _call = call;
        AttentionShape shape = specification.Shape;
        bool isLowRank = bias.Kind == AttentionBiasKind.LowRank;
        _planeElements = bias.Kind switch
        {
            AttentionBiasKind.PerKey => shape.KeyLength,
            AttentionBiasKind.RelativePosition => GridEntries + ClassEntries,
            AttentionBiasKind.LowRank => (long)bias.Rank * shape.KeyLength,
            _ => 0,
        };
        _planes = new NativeBuffer((long)partition.Items * specification.HeadsPerKeyHead * _planeElements * sizeof(float));
        _queryFactors = new NativeBuffer(isLowRank ? (long)shape.BatchSize * shape.HeadCount * shape.QueryLength * bias.Rank * sizeof(float) : 0);
        if (bias.Kind == AttentionBiasKind.Dense)
        {
            ClearAll(call.Bias, bias.Values.Length);
        }
    }

    public long Bytes => _planes.Bytes + _queryFactors.Bytes;

    private int GridEntries => ((2 * _bias.GridHeight) - 1) * ((2 * _bias.GridWidth) - 1);

    private int ClassEntries => _bias.HasClassToken ? 3 : 0;

    /// <summary>Null if the call has no bias or does not want its gradient.</summary>
    public static BiasGradient? Create(AttentionSpecification specification, BackwardPartition partition, BackwardCall call) =>
        specification.Bias is { } bias && (call.Bias is not null || call.BiasKeyFactors is not null) ? new BiasGradient(specification, bias, partition, call) : null;

    /// <summary>Adds the logit gradients of one query and some neighbouring keys.</summary>
    /// <param name="group">The (batch, key head) pair.</param>
    /// <param name="segment">The item's segment.</param>
    /// <param name="head">The (batch, query head) pair.</param>
    /// <param name="query">Query token.</param>
    /// <param name="firstKey">First key.</param>
    /// <param name="keys">Number of keys, at least 1.</param>
    /// <param name="gradient">One number per key.</param>
    public void Add(int group, int segment, int head, int query, int firstKey, int keys, float* gradient)
    {
        float* plane = Plane(group, segment, head % _specification.HeadsPerKeyHead);
        switch (_bias.Kind)
        {
            case AttentionBiasKind.PerKey:
                Add(gradient, plane + firstKey, keys);
                break;
            case AttentionBiasKind.RelativePosition:
                Scatter(query, firstKey, keys, gradient, plane);
                break;
            case AttentionBiasKind.LowRank:
                AddFactors(head, query, firstKey, keys, gradient, plane);
                break;
            default:
                long row = (BiasPlane(head) * _bias.QueryLength) + query;
                Add(gradient, _call.Bias + (row * _bias.KeyLength) + firstKey, keys);
                break;
        }
    }

    /// <summary>Adds up what the items found.</summary>
    public void Finish()
    {
        if (_bias.Kind == AttentionBiasKind.Dense)
        {
            return;
        }

        if (_bias.Kind == AttentionBiasKind.LowRank)
        {
            FinishQueryFactors();
        }

        float* destination = _bias.Kind == AttentionBiasKind.LowRank ? _call.BiasKeyFactors : _call.Bias;
        if (destination is null)
        {
            return;
        }

        ClearAll(destination, _bias.Kind == AttentionBiasKind.LowRank ? _bias.KeyFactors.Length : _bias.Values.Length);
        AttentionShape shape = _specification.Shape;
        for (int head = 0; head < shape.BatchSize * shape.HeadCount; head++)
        {
            for (int segment = 0; segment < _partition.Segments; segment++)
            {
                FinishPlane(head, Plane(_specification.KeyHead(head), segment, head % _specification.HeadsPerKeyHead), destination);
            }
        }
    }

    public void Dispose()
    {
        _planes.Dispose();
        _queryFactors.Dispose();
    }

    private static void Add(float* source, float* destination, int count)
    {
        var sums = new Span<float>(destination, count);
        TensorPrimitives.Add(sums, new ReadOnlySpan<float>(source, count), sums);
    }

    private static void ClearAll(float* destination, int count)
    {
        if (destination is not null)
        {
            new Span<float>(destination, count).Clear();
        }
    }

    private float* Plane(int group, int segment, int headInGroup) =>
        _planes.As<float>() + (((((long)group * _partition.Segments) + segment) * _specification.HeadsPerKeyHead) + headInGroup) * _planeElements;

    // The plane of the bias that a (batch, query head) pair reads.
    private long BiasPlane(int head)
    {
        int batch = head / _specification.Shape.HeadCount;
        int itemHead = head % _specification.Shape.HeadCount;
        return ((_bias.BatchSize == 1 ? 0L : batch) * _bias.HeadCount) + (_bias.HeadCount == 1 ? 0 : itemHead);
    }

    private void Scatter(int query, int firstKey, int keys, float* gradient, float* plane)
    {
        int classTokens = _bias.HasClassToken ? 1 : 0;
        int width = _bias.GridWidth;
        float* classes = plane + GridEntries;
        int first = firstKey;
        int end = firstKey + keys;
        if (classTokens == 1 && first == 0)
        {
            classes[query == 0 ? 2 : 1] += gradient[0];
            first = 1;
        }

        if (query < classTokens)
        {
            classes[0] += TensorPrimitives.Sum(new ReadOnlySpan<float>(gradient + (first - firstKey), end - first));
            return;
        }

        int y = (query - classTokens) / width;
        int x = (query - classTokens) % width;
        while (first < end)
        {
            int keyY = (first - classTokens) / width;
            int keyX = (first - classTokens) % width;
            int count = Math.Min(width - keyX, end - first);

            // Entry of key x = 0; those of the following keys descend by one, so in the reversed plane they ascend.
            int entry = ((y - keyY + _bias.GridHeight - 1) * ((2 * width) - 1)) + x + width - 1;
            Add(gradient + (first - firstKey), plane + (GridEntries - 1 - entry) + keyX, count);
            first += count;
        }
    }

    private void AddFactors(int head, int query, int firstKey, int keys, float* gradient, float* plane)
    {
        int rank = _bias.Rank;
        var gradients = new ReadOnlySpan<float>(gradient, keys);
        float* queryFactorGradient = _queryFactors.As<float>() + ((((long)head * _specification.Shape.QueryLength) + query) * rank);
        ReadOnlySpan<float> queryFactors = _bias.Values.Span.Slice((int)((BiasPlane(head) * _bias.QueryLength) + query) * rank, rank);
        ReadOnlySpan<float> keyFactors = _bias.KeyFactors.Span.Slice((int)((BiasPlane(head) * _bias.KeyLength) + firstKey) * rank, keys * rank);
        for (int r = 0; r < rank; r++)
        {
            double sum = 0;
            for (int key = 0; key < keys; key++)
            {
                sum += (double)gradient[key] * keyFactors[(key * rank) + r];
            }

            queryFactorGradient[r] += (float)sum;
            var sums = new Span<float>(plane + ((long)r * _specification.Shape.KeyLength) + firstKey, keys);
            TensorPrimitives.MultiplyAdd(gradients, queryFactors[r], sums, sums);
        }
    }

    private void FinishQueryFactors()
    {
        if (_call.Bias is null)
        {
            return;
        }

        ClearAll(_call.Bias, _bias.Values.Length);
        AttentionShape shape = _specification.Shape;
        int elements = checked(shape.QueryLength * _bias.Rank);
        for (int head = 0; head < shape.BatchSize * shape.HeadCount; head++)
        {
            Add(_queryFactors.As<float>() + ((long)head * elements), _call.Bias + (BiasPlane(head) * elements), elements);
        }
    }

    private void FinishPlane(int head, float* plane, float* destination)
    {
        switch (_bias.Kind)
        {
            case AttentionBiasKind.PerKey:
                Add(plane, destination + (BiasPlane(head) * _bias.KeyLength), _bias.KeyLength);
                break;
            case AttentionBiasKind.LowRank:
                float* factors = destination + (BiasPlane(head) * _bias.KeyLength * _bias.Rank);
                for (long i = 0; i < _planeElements; i++)
                {
                    factors[(i % _bias.KeyLength * _bias.Rank) + (i / _bias.KeyLength)] += plane[i];
                }

                break;
            default:
                int biasHead = _bias.HeadCount == 1 ? 0 : head % _specification.Shape.HeadCount;
                for (int entry = 0; entry < GridEntries + ClassEntries; entry++)
                {
                    destination[((long)entry * _bias.HeadCount) + biasHead] += plane[entry < GridEntries ? GridEntries - 1 - entry : entry];
                }

                break;
        }
    }
}
