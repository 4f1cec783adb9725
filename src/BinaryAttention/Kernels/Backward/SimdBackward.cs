// The backward pass as five products over tiles of query rows (BackwardPartition), for one-bit and exact attention alike (BackwardSource):
//
//   E = exp(logit - shift), P = E / rowSum        from bits or from a float product
//   dP = dO V^T,  mean_i = sum_j P_ij dP_ij,  dS = P (dP - mean)
//   dV += F^T dO          F = P, or the 8-bit levels of TrainingParity
//   dQ += dS K',  dK += dS^T Q'                   K', Q': weighted signs, or keys and scaled queries
//
// A tile keeps its rows of E and dP for all of its keys, so that every product is computed once; keys pass in chunks that stay in the second-level cache. Memory is O(N) per worker.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class SimdBackward<TVector, TLanes> : IDisposable
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    private const int UnitRows = BackwardPartition.UnitRows;

    private const int ChunkKeys = BackwardPartition.ChunkKeys;

    private readonly AttentionSpecification _specification;
    private readonly BackwardCall _call;
    private readonly BackwardSource _source;
    private readonly BackwardPartition _partition;
    private readonly AllowedKeys _allowed;
    private readonly BiasGradient? _bias;
    private readonly NativeBuffer _values;
    private readonly BackwardProducts<TVector, TLanes> _products;
    private readonly KeyGradientSums _sums;
    private readonly BackwardScratch?[] _scratches;
    private readonly int _keyColumns;
    private readonly int _valueColumns;

    public SimdBackward(AttentionSpecification specification, BackwardCall call, BackwardPartition partition, BackwardSource source, int workers)
    {
        _specification = specification;
        _call = call;
        _source = source;
        _partition = partition;
        AttentionShape shape = specification.Shape;
        int keyPanel = source.HasSignTables ? SignTables.PanelChannels : PanelColumns;
        _keyColumns = FloatPanels.Count(shape.HeadDimension, keyPanel) * keyPanel;
        _valueColumns = FloatPanels.Count(shape.ValueDimension, PanelColumns) * PanelColumns;
        _allowed = new AllowedKeys(specification);
        _bias = BiasGradient.Create(specification, partition, call);
        _values = new NativeBuffer((long)partition.Groups * partition.PaddedKeys * shape.ValueDimension * sizeof(float));
        _products = new BackwardProducts<TVector, TLanes>(specification, partition, source, _keyColumns, _valueColumns);
        _sums = new KeyGradientSums(partition, _keyColumns, _valueColumns, workers);
        _scratches = new BackwardScratch?[workers];
    }

    /// <summary>Bytes that a run takes at most beside the operands.</summary>
    public long WorkspaceBytes =>
        _values.Bytes + _products.Bytes + _sums.Bytes + _source.WorkspaceBytes + (_bias?.Bytes ?? 0)
        + (_scratches.Length * BackwardScratch.Bytes(_partition, _specification.Shape.ValueDimension, _keyColumns, _valueColumns, HasLevels, _source.HasSignTables));

    private static int PanelColumns => FloatProduct<TVector, TLanes>.PanelColumns;

    private bool HasLevels => _specification.Quantization == ValueQuantization.TrainingParity;

    public void Run(TileLoop loop, CancellationToken cancellationToken)
    {
        _source.SetQueries(loop, cancellationToken);
        loop.Run(_partition.Groups, SetKeyHead, cancellationToken);
        for (int round = 0; round < _partition.Rounds; round++)
        {
            int current = round;
            loop.Run(_partition.ItemsPerRound, (index, worker) => Accumulate(current, index, worker), cancellationToken);
        }

        if (_partition.Segments > 1)
        {
            loop.Run(_partition.Groups, (group, worker) => FinishKeyHead(group, worker), cancellationToken);
        }

        loop.Run(_specification.Shape.BatchSize * _specification.Shape.HeadCount, (head, _) => FinishQueryHead(head), cancellationToken);
        _bias?.Finish();
    }

    public void Dispose()
    {
        _source.Dispose();
        _allowed.Dispose();
        _bias?.Dispose();
        _values.Dispose();
        _products.Dispose();
        _sums.Dispose();
        foreach (BackwardScratch? scratch in _scratches)
        {
            scratch?.Dispose();
        }
    }

    private float* Values(int group) => _values.As<float>() + ((long)group * _partition.PaddedKeys * _specification.Shape.ValueDimension);

    private void SetKeyHead(int group, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = group / shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        float* values = _call.Value.Head(batch, group % shape.KeyHeadCount);
        _source.SetKeys(group, worker, _products.Keys(group));
        if (HasLevels)
        {
            TrainedValues.PackTransposed(values, _call.Value.TokenStride, valid, shape.ValueDimension, PanelColumns, Values(group));
        }
        else
        {
            FloatPanels.PackTransposed(values, _call.Value.TokenStride, valid, shape.ValueDimension, PanelColumns, Values(group));
        }
    }

    // One segment of a group: every tile whose number fits, head after head.
    private void Accumulate(int round, int index, int worker)
    {
        (int group, int segment) = _partition.Item(round, index);
        AttentionShape shape = _specification.Shape;
        int batch = group / shape.KeyHeadCount;
        int heads = _specification.HeadsPerKeyHead;
        int firstHead = (batch * shape.HeadCount) + (group % shape.KeyHeadCount * heads);
        BackwardScratch scratch = _scratches[worker] ??= new BackwardScratch(_partition, shape.ValueDimension, _keyColumns, _valueColumns, HasLevels, _source.HasSignTables);
        _sums.Clear(group, segment, worker);
        int valid = _specification.ValidQueries(batch);
        for (int head = firstHead; head < firstHead + heads; head++)
        {
            if (_call.NonFinite.Contains(head))
            {
                continue;
            }

            for (int tile = segment; tile < _partition.Tiles; tile += _partition.Segments)
            {
                int firstQuery = tile * _partition.TileQueries;
                int queries = Math.Min(_partition.TileQueries, valid - firstQuery);
                if (queries > 0)
                {
                    Tile(scratch, worker, group, segment, head, firstQuery, queries);
                }
            }
        }

        if (_partition.Segments == 1)
        {
            FinishKeyHead(group, worker);
        }
    }

    private void Tile(BackwardScratch scratch, int worker, int group, int segment, int head, int firstQuery, int queries)
    {
        KeySelection selection = _source.Selection(worker);
        selection.Select(_allowed, head, firstQuery, queries);
        new Span<float>(scratch.QuerySums, _partition.TileRows * _keyColumns).Clear();
        if (selection.PaddedKeys > 0)
        {
            _source.Exponentials(scratch, worker, head, group, firstQuery, queries);
            ClearSpareRows(scratch, queries, selection.PaddedKeys);
            SetRows(scratch, head, firstQuery, queries);
            FindProbabilityGradients(scratch, selection, group, queries);
            float* keySums = _sums.Keys(group, segment, worker);
            float* valueSums = _sums.Values(group, segment, worker);
            foreach (KeyRun run in selection.Runs)
            {
                int end = run.Blocks * Bits.KeyCodes.BlockKeys;
                for (int key = 0; key < end; key += ChunkKeys)
                {
                    int count = Math.Min(ChunkKeys, end - key);
                    FindLogitGradients(scratch, run.Position + key, count, queries);
                    AddBias(scratch, group, segment, head, firstQuery, queries, run.FirstKey + key, run.Position + key, count);
                    _products.Add(scratch, group, head, firstQuery, run.FirstKey + key, run.Position + key, count, queries, keySums, valueSums);
                }
            }
        }

        WriteQueries(scratch, head, firstQuery, queries);
    }

    // Rows that fill up the last unit, or the last group of four: exponentials 0, so that whatever they are multiplied by adds nothing.
    private static void ClearSpareRows(BackwardScratch scratch, int queries, int paddedKeys)
    {
        int end = Math.Max(Units(queries) * UnitRows, SignTables.Groups(queries) * SignTables.GroupTokens);
        for (int row = queries; row < end; row++)
        {
            new Span<float>(scratch.Exponentials + (row * scratch.RowStride), paddedKeys).Clear();
            new Span<float>(scratch.Gradients + (row * scratch.RowStride), paddedKeys).Clear();
            scratch.InverseSum[row] = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SetRows(BackwardScratch scratch, int head, int firstQuery, int queries)
    {
        AttentionShape shape = _specification.Shape;
        int dimension = shape.ValueDimension;
        new Span<float>(scratch.OutputGradient + ((long)queries * dimension), ((Units(queries) * UnitRows) - queries) * dimension).Clear();
        for (int row = 0; row < queries; row++)
        {
            var source = new ReadOnlySpan<float>(_call.OutputGradient.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row), dimension);
            source.CopyTo(new Span<float>(scratch.OutputGradient + ((long)row * dimension), dimension));
            float scale = HasLevels ? 1f / 255f : scratch.InverseSum[row];
            for (int first = 0; first < dimension; first += PanelColumns)
            {
                ReadOnlySpan<float> part = source.Slice(first, Math.Min(PanelColumns, dimension - first));
                TensorPrimitives.Multiply(part, scale, new Span<float>(scratch.ValueSide + (((long)first * _partition.TileRows) + ((long)row * PanelColumns)), part.Length));
            }
        }

        _source.QueryPanels(head, firstQuery, queries, _partition.TileRows, scratch.KeySide);
    }

    // dP, and for every row the sum of P dP.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindProbabilityGradients(BackwardScratch scratch, KeySelection selection, int group, int queries)
    {
        int dimension = _specification.Shape.ValueDimension;
        double* sums = stackalloc double[_partition.TileRows];
        new Span<double>(sums, _partition.TileRows).Clear();
        foreach (KeyRun run in selection.Runs)
        {
            int end = run.Blocks * Bits.KeyCodes.BlockKeys;
            for (int first = 0; first < end; first += ChunkKeys)
            {
                int count = Math.Min(ChunkKeys, end - first);
                for (int row = 0; row < queries; row += UnitRows)
                {
                    float* gradients = scratch.Gradients + (row * scratch.RowStride) + run.Position + first;
                    for (int key = 0; key < count; key += PanelColumns)
                    {
                        float* panel = Values(group) + ((long)(run.FirstKey + first + key) * dimension);
                        FloatProduct<TVector, TLanes>.Multiply(scratch.OutputGradient + ((long)row * dimension), dimension, panel, dimension, gradients + key, scratch.RowStride, accumulate: false);
                    }

                    for (int i = row; i < row + UnitRows; i++)
                    {
                        long offset = (i * scratch.RowStride) + run.Position + first;
                        sums[i] += Dot(scratch.Exponentials + offset, scratch.Gradients + offset, count);
                    }
                }
            }
        }

        for (int row = 0; row < queries; row++)
        {
            scratch.Mean[row] = (float)(sums[row] * scratch.InverseSum[row]);
        }
    }

    // dS = E / rowSum * (dP - mean), in place of dP.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FindLogitGradients(BackwardScratch scratch, int position, int count, int queries)
    {
        for (int row = 0; row < Units(queries) * UnitRows; row++)
        {
            float* exponentials = scratch.Exponentials + (row * scratch.RowStride) + position;
            float* gradients = scratch.Gradients + (row * scratch.RowStride) + position;
            TVector inverse = TLanes.Create(scratch.InverseSum[row]);
            TVector mean = TLanes.Create(row < queries ? scratch.Mean[row] : 0);
            for (int key = 0; key < count; key += TLanes.Count)
            {
                TVector probability = TLanes.Multiply(TLanes.Load(exponentials + key), inverse);
                TLanes.Store(TLanes.Multiply(probability, TLanes.Subtract(TLanes.Load(gradients + key), mean)), gradients + key);
            }
        }
    }

    private void AddBias(BackwardScratch scratch, int group, int segment, int head, int firstQuery, int queries, int firstKey, int position, int count)
    {
        int keys = Math.Min(count, _specification.Shape.KeyLength - firstKey);
        for (int row = 0; _bias is not null && row < queries; row++)
        {
            _bias.Add(group, segment, head, firstQuery + row, firstKey, keys, scratch.Gradients + (row * scratch.RowStride) + position);
        }
    }

    private void WriteQueries(BackwardScratch scratch, int head, int firstQuery, int queries)
    {
        AttentionShape shape = _specification.Shape;
        float scale = _specification.ScaleOf(head % shape.HeadCount);
        for (int row = 0; row < queries; row++)
        {
            TensorPrimitives.Multiply(
                new ReadOnlySpan<float>(scratch.QuerySums + ((long)row * _keyColumns), shape.HeadDimension),
                scale,
                new Span<float>(_call.QueryGradient.Token(head / shape.HeadCount, head % shape.HeadCount, firstQuery + row), shape.HeadDimension));
        }
    }

    private void FinishQueryHead(int head)
    {
        AttentionShape shape = _specification.Shape;
        int batch = head / shape.HeadCount;
        if (!_call.NonFinite.Contains(head))
        {
            _source.FinishQueries(head, _call.QueryGradient);
        }

        Clear(_call.QueryGradient, batch, head % shape.HeadCount, _specification.ValidQueries(batch), shape.QueryLength, shape.HeadDimension);
    }

    private void FinishKeyHead(int group, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int batch = group / shape.KeyHeadCount;
        int head = group % shape.KeyHeadCount;
        int valid = _specification.ValidKeys(batch);
        _sums.WriteKeys(group, worker, _call.KeyGradient, batch, head, valid, shape.HeadDimension);
        _sums.WriteValues(group, worker, _call.ValueGradient, batch, head, valid, shape.ValueDimension);
        Clear(_call.KeyGradient, batch, head, valid, shape.KeyLength, shape.HeadDimension);
        Clear(_call.ValueGradient, batch, head, valid, shape.KeyLength, shape.ValueDimension);
        _source.FinishKeys(group, _call.KeyGradient);
        if (HasLevels)
        {
            TrainedValues.ClipGradient(_call.Value, _call.ValueGradient, batch, head, valid, shape.ValueDimension);
        }
    }

    private static int Units(int queries) => (queries + UnitRows - 1) / UnitRows;

    private static void Clear(TokenView gradient, int batch, int head, int first, int end, int dimension)
    {
        for (int token = first; token < end; token++)
        {
            new Span<float>(gradient.Token(batch, head, token), dimension).Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(float* left, float* right, int count)
    {
        TVector sum = TLanes.Zero;
        for (int i = 0; i < count; i += TLanes.Count)
        {
            sum = TLanes.MultiplyAdd(TLanes.Load(left + i), TLanes.Load(right + i), sum);
        }

        return TLanes.Sum(sum);
    }
}
