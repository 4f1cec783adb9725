// The backward pass of exact attention: logits as a float product of scaled queries and keys, and keys and scaled queries multiply the logit gradients, which then are the gradients wanted.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class ExactSource<TVector, TLanes> : BackwardSource
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    private const int UnitRows = BackwardPartition.UnitRows;
    private const int ChunkKeys = BackwardPartition.ChunkKeys;

    private readonly AttentionSpecification _specification;
    private readonly BackwardCall _call;
    private readonly BackwardPartition _partition;
    private readonly BiasRows? _bias;
    private readonly NativeBuffer _keys;
    private readonly NativeBuffer _rows;
    private readonly KeySelection[] _selections;
    private readonly long _rowElements;

    public ExactSource(AttentionSpecification specification, BackwardCall call, BackwardPartition partition, TileLoop loop)
    {
        _specification = specification;
        _call = call;
        _partition = partition;
        AttentionShape shape = specification.Shape;
        _bias = BiasRows.Create(specification);
        _keys = new NativeBuffer((long)partition.Groups * partition.PaddedKeys * shape.HeadDimension * sizeof(float));

        // Scaled queries of a tile and two bias rows.
        _rowElements = ((long)partition.TileRows * shape.HeadDimension) + (2L * partition.PaddedKeys);
        _rows = new NativeBuffer(loop.Workers * _rowElements * sizeof(float));
        _selections = new KeySelection[loop.Workers];
        for (int worker = 0; worker < _selections.Length; worker++)
        {
            _selections[worker] = new KeySelection(shape.KeyLength, specification.Mask.HasGaps, partition.TileQueries);
        }
    }

    public override long WorkspaceBytes => _keys.Bytes + _rows.Bytes + ((long)_selections.Length * _partition.TileQueries * _partition.PaddedKeys / 8);

    private static int PanelColumns => FloatProduct<TVector, TLanes>.PanelColumns;

    public override KeySelection Selection(int worker) => _selections[worker];

    public override void SetQueries(TileLoop loop, CancellationToken cancellationToken)
    {
        // Read where they lie.
    }

    public override void SetKeys(int keyHead, int worker, float* panels)
    {
        AttentionShape shape = _specification.Shape;
        int batch = keyHead / shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        float* keys = _call.Key.Head(batch, keyHead % shape.KeyHeadCount);
        FloatPanels.PackTransposed(keys, _call.Key.TokenStride, valid, shape.HeadDimension, PanelColumns, Keys(keyHead));
        FloatPanels.PackChannels(keys, _call.Key.TokenStride, valid, shape.HeadDimension, PanelColumns, _partition.PaddedKeys, panels);
    }

    public override void QueryPanels(int head, int firstQuery, int queries, int panelRows, float* panels)
    {
        AttentionShape shape = _specification.Shape;
        int dimension = shape.HeadDimension;
        for (int row = 0; row < queries; row++)
        {
            var query = new ReadOnlySpan<float>(_call.Query.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row), dimension);
            for (int first = 0; first < dimension; first += PanelColumns)
            {
                ReadOnlySpan<float> part = query.Slice(first, Math.Min(PanelColumns, dimension - first));
                TensorPrimitives.Multiply(part, _specification.LogitScale, new Span<float>(panels + ((long)first * panelRows) + ((long)row * PanelColumns), part.Length));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Exponentials(BackwardScratch scratch, int worker, int head, int keyHead, int firstQuery, int queries)
    {
        AttentionShape shape = _specification.Shape;
        int dimension = shape.HeadDimension;
        float* rows = _rows.As<float>() + (worker * _rowElements);
        for (int row = 0; row < queries; row++)
        {
            var query = new ReadOnlySpan<float>(_call.Query.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row), dimension);
            TensorPrimitives.Multiply(query, _specification.LogitScale, new Span<float>(rows + ((long)row * dimension), dimension));
        }

        foreach (KeyRun run in _selections[worker].Runs)
        {
            int end = run.Blocks * Bits.KeyCodes.BlockKeys;
            for (int first = 0; first < end; first += ChunkKeys)
            {
                for (int row = 0; row < queries; row += UnitRows)
                {
                    float* logits = scratch.Exponentials + (row * scratch.RowStride) + run.Position;
                    for (int key = first; key < Math.Min(end, first + ChunkKeys); key += PanelColumns)
                    {
                        // Rows beyond the last hold what an earlier tile left there; their logits are overwritten by zeros.
                        FloatProduct<TVector, TLanes>.Multiply(rows + ((long)row * dimension), dimension, Keys(keyHead) + ((long)(run.FirstKey + key) * dimension), dimension, logits + key, scratch.RowStride, accumulate: false);
                    }
                }
            }
        }

        float* bias = rows + ((long)_partition.TileRows * dimension);
        for (int row = 0; row < queries; row++)
        {
            Row(scratch, _selections[worker], head, keyHead, firstQuery + row, row, bias, bias + _partition.PaddedKeys);
        }
    }

    public override void FinishQueries(int head, TokenView gradient)
    {
        // The sums are the gradients.
    }

    public override void FinishKeys(int keyHead, TokenView gradient)
    {
        // The sums are the gradients.
    }

    public override void Dispose()
    {
        _bias?.Dispose();
        _keys.Dispose();
        _rows.Dispose();
        foreach (KeySelection selection in _selections)
        {
            selection.Dispose();
        }
    }

    private float* Keys(int keyHead) => _keys.As<float>() + ((long)keyHead * _partition.PaddedKeys * _specification.Shape.HeadDimension);

    private void Row(BackwardScratch scratch, KeySelection selection, int head, int keyHead, int query, int tileRow, float* biasRow, float* selectedBias)
    {
        AttentionShape shape = _specification.Shape;
        int keys = selection.Keys(tileRow);
        float* row = scratch.Exponentials + (tileRow * scratch.RowStride);
        ulong* words = selection.HasGaps(tileRow) ? selection.Words(tileRow) : null;
        float* bias = SelectedKeys.Bias(_bias, shape, selection, head, query, keys, biasRow, selectedBias);
        if (bias is not null)
        {
            TensorPrimitives.Add(new ReadOnlySpan<float>(row, keys), new ReadOnlySpan<float>(bias, keys), new Span<float>(row, keys));
        }

        if (words is not null)
        {
            MaskedRows.SetMinusInfinity(row, words, keys);
        }

        double sum = keys == 0 ? 0 : ProbabilityRow<TVector, TLanes>.Exponentials(row, keys, selection.PaddedKeys, _call.LogSumExp[((long)head * shape.QueryLength) + query]);
        if (keys > 0 && !ProbabilityRow<TVector, TLanes>.IsUsable(sum))
        {
            sum = PlainRow(selection, head, keyHead, query, bias, words, keys, row);
        }

        scratch.InverseSum[tileRow] = sum == 0 ? 0 : (float)(1 / sum);
        int used = sum == 0 ? 0 : keys;
        new Span<float>(row + used, selection.PaddedKeys - used).Clear();
    }

    // Logits in double, for rows whose log-sum-exp is of no use: logits beyond float32, or numbers of another call.
    private double PlainRow(KeySelection selection, int head, int keyHead, int query, float* bias, ulong* words, int keys, float* row)
    {
        AttentionShape shape = _specification.Shape;
        float* queryChannels = _call.Query.Token(head / shape.HeadCount, head % shape.HeadCount, query);
        var logits = new double[keys];
        double rowMax = double.NegativeInfinity;
        foreach (KeyRun run in selection.Runs)
        {
            for (int position = run.Position; position < Math.Min(keys, run.Position + run.Keys); position++)
            {
                bool isMasked = words is not null && ((words[position / 64] >> (position % 64)) & 1) == 0;
                float* keyChannels = _call.Key.Token(keyHead / shape.KeyHeadCount, keyHead % shape.KeyHeadCount, run.FirstKey + position - run.Position);
                double dot = 0;
                for (int channel = 0; channel < shape.HeadDimension; channel++)
                {
                    dot += (double)queryChannels[channel] * keyChannels[channel];
                }

                logits[position] = isMasked ? double.NegativeInfinity : (dot * _specification.LogitScale) + (bias is null ? 0 : bias[position]);
                rowMax = Math.Max(rowMax, logits[position]);
            }
        }

        double sum = 0;
        for (int key = 0; key < keys; key++)
        {
            double exponential = double.IsNegativeInfinity(logits[key]) ? 0 : Math.Exp(logits[key] - rowMax);
            row[key] = (float)exponential;
            sum += exponential;
        }

        return sum;
    }
}
