// The three products of a chunk of keys with a tile's rows: dV += F^T dO, dK += dS^T Q', dQ += dS K'. The last two go by sign tables where the source has signs and the processor 512-bit permutations, else
// by float products with panels; both hold what the source gave for the keys.
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using BinaryAttention.Kernels.Simd;

namespace BinaryAttention.Kernels.Backward;

internal sealed unsafe class BackwardProducts<TVector, TLanes> : IDisposable
    where TVector : struct
    where TLanes : struct, IFloatLanes<TVector>
{
    private const int UnitRows = BackwardPartition.UnitRows;
    private const int ChunkKeys = BackwardPartition.ChunkKeys;

    private readonly AttentionSpecification _specification;
    private readonly BackwardPartition _partition;
    private readonly BackwardSource _source;
    private readonly int _keyColumns;
    private readonly int _valueColumns;
    private readonly NativeBuffer _keys;
    private readonly long _keyElements;

    public BackwardProducts(AttentionSpecification specification, BackwardPartition partition, BackwardSource source, int keyColumns, int valueColumns)
    {
        _specification = specification;
        _partition = partition;
        _source = source;
        _keyColumns = keyColumns;
        _valueColumns = valueColumns;

        // Pattern indices: one row for four keys.
        int rows = source.HasSignTables ? partition.PaddedKeys / SignTables.GroupTokens : partition.PaddedKeys;
        _keyElements = (long)rows * keyColumns;
        _keys = new NativeBuffer(partition.Groups * _keyElements * sizeof(float));
    }

    public long Bytes => _keys.Bytes;

    private static int PanelColumns => FloatProduct<TVector, TLanes>.PanelColumns;

    /// <summary>What multiplies logit gradients into query gradients: panels or pattern indices of one (batch, key head) pair.</summary>
    public float* Keys(int group) => _keys.As<float>() + (group * _keyElements);

    public void Dispose() => _keys.Dispose();

    /// <summary>Adds one chunk of keys to the query sums of the tile and to the key and value sums.</summary>
    /// <param name="scratch">Logit gradients, factors and right sides of the tile.</param>
    /// <param name="group">The (batch, key head) pair.</param>
    /// <param name="head">The (batch, query head) pair.</param>
    /// <param name="firstQuery">First row of the tile.</param>
    /// <param name="firstKey">First key of the chunk.</param>
    /// <param name="position">Where that key stands among the selected keys.</param>
    /// <param name="count">Keys of the chunk, a multiple of 64.</param>
    /// <param name="queries">Rows of the tile.</param>
    /// <param name="keySums">Sums of the group's keys.</param>
    /// <param name="valueSums">Sums of the group's values.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(BackwardScratch scratch, int group, int head, int firstQuery, int firstKey, int position, int count, int queries, float* keySums, float* valueSums)
    {
        AddTransposed(scratch.Factors + position, scratch.RowStride, scratch.ValueSide, queries, count, valueSums + ((long)firstKey * _valueColumns), _valueColumns);
        if (_source.HasSignTables)
        {
            AddSignProducts(scratch, group, head, firstQuery, firstKey, position, count, queries, keySums + ((long)firstKey * _keyColumns));
            return;
        }

        for (int column = 0; column < _keyColumns; column += PanelColumns)
        {
            float* panel = Keys(group) + ((long)column * _partition.PaddedKeys) + ((long)firstKey * PanelColumns);
            for (int row = 0; row < queries; row += UnitRows)
            {
                FloatProduct<TVector, TLanes>.Multiply(
                    scratch.Gradients + (row * scratch.RowStride) + position, scratch.RowStride, panel, count, scratch.QuerySums + ((long)row * _keyColumns) + column, _keyColumns, accumulate: true);
            }
        }

        AddTransposed(scratch.Gradients + position, scratch.RowStride, scratch.KeySide, queries, count, keySums + ((long)firstKey * _keyColumns), _keyColumns);
    }

    // dK += dS^T Q' and dQ += dS K' with signs by lookup. Weights that differ from token to token are multiplied into copies of dS first, one weight for all into the tables.
    private void AddSignProducts(BackwardScratch scratch, int group, int head, int firstQuery, int firstKey, int position, int count, int queries, float* keySums)
    {
        int rowGroups = SignTables.Groups(queries);
        float* gradients = scratch.Gradients + position;
        float* factors = gradients;
        nint stride = scratch.RowStride;
        float scale = _specification.ScaleOf(head % _specification.Shape.HeadCount);
        float* queryWeights = _source.QueryWeights(head) + firstQuery;
        float* keyWeights = _source.KeyWeights(group) + firstKey;
        if (_source.QueriesShareWeight)
        {
            SignTables.WriteSigns(queryWeights[0] * scale, scratch.Signs);
        }
        else
        {
            factors = scratch.Weighted;
            stride = ChunkKeys + 16;
            SignTables.WriteSigns(scale, scratch.Signs);
            for (int row = 0; row < rowGroups * SignTables.GroupTokens; row++)
            {
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(gradients + (row * scratch.RowStride), count), row < queries ? queryWeights[row] : 0, new Span<float>(factors + (row * stride), count));
            }
        }

        for (int key = 0; key < count; key += SignTables.Rows)
        {
            for (int column = 0; column < _keyColumns; column += SignTables.PanelChannels)
            {
                SignTables.AddFour(factors + key, 1, stride, scratch.Signs, (int*)scratch.KeySide + column, _keyColumns, rowGroups, keySums + ((long)key * _keyColumns) + column, _keyColumns);
            }
        }

        SignTables.WriteSigns(_source.KeysShareWeight ? _source.KeyWeights(group)[0] : 1, scratch.Signs);
        if (!_source.KeysShareWeight)
        {
            int valid = Math.Min(count, _specification.Shape.KeyLength - firstKey);
            for (int row = 0; row < queries; row++)
            {
                var weighted = new Span<float>(gradients + (row * scratch.RowStride), valid);
                TensorPrimitives.Multiply(weighted, new ReadOnlySpan<float>(keyWeights, valid), weighted);
            }
        }

        int* indices = (int*)Keys(group) + ((long)firstKey / SignTables.GroupTokens * _keyColumns);
        for (int row = 0; row < queries; row += SignTables.Rows)
        {
            for (int column = 0; column < _keyColumns; column += SignTables.PanelChannels)
            {
                SignTables.AddFour(
                    gradients + (row * scratch.RowStride), scratch.RowStride, 1, scratch.Signs, indices + column, _keyColumns, count / SignTables.GroupTokens, scratch.QuerySums + ((long)row * _keyColumns) + column, _keyColumns);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddTransposed(float* pairs, nint stride, float* panels, int queries, int count, float* sums, int columns)
    {
        for (int key = 0; key < count; key += TransposedProduct<TVector, TLanes>.Keys)
        {
            for (int column = 0; column < columns; column += PanelColumns)
            {
                TransposedProduct<TVector, TLanes>.Accumulate(pairs + key, stride, panels + ((long)column * _partition.TileRows), queries, sums + ((long)key * columns) + column, columns);
            }
        }
    }
}
