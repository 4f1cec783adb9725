// Attention of centred and rotated operands (AttentionCalibration): copies q' = R (q - queryCentre) and k' = R (k - keyCentre) go to an ordinary kernel, so that all kernels see the same signs.
// The exact part of the logits, logitScale * queryCentre . k_j, becomes a bias per key.
using BinaryAttention.Shapes;
using BinaryAttention.Threading;

namespace BinaryAttention.Kernels;

internal sealed unsafe class CalibratedRun : KernelRun
{
    private readonly AttentionSpecification _specification;
    private readonly AttentionCalibration _calibration;
    private readonly KernelRun _run;
    private readonly TileLoop _loop;
    private readonly CentredOperand _query;
    private readonly CentredOperand _key;
    private readonly Action<int, int> _addKeyBias;
    private readonly int _keyTiles;
    private readonly float[]? _keyBias;
    private TokenView _originalKey;

    private CalibratedRun(IAttentionKernel kernel, AttentionSpecification specification, AttentionCalibration calibration)
    {
        _specification = specification;
        _calibration = calibration;
        AttentionShape shape = specification.Shape;
        _loop = specification.CreateLoop();
        _keyBias = calibration.QueryCentre.IsEmpty ? null : KeyBiasBuffer(shape);
        _run = kernel.Create(specification with { Calibration = null, AddedKeyBias = _keyBias, Loop = _loop });
        double[] columns = Transposed(calibration.Rotation.Span, shape.HeadDimension);
        _query = new CentredOperand(_loop, shape.BatchSize, shape.HeadCount, specification.HeadsPerKeyHead, shape.QueryLength, shape.HeadDimension, calibration.QueryCentre, columns);
        _key = new CentredOperand(_loop, shape.BatchSize, shape.KeyHeadCount, 1, shape.KeyLength, shape.HeadDimension, calibration.KeyCentre, columns);
        _addKeyBias = AddKeyBias;
        _keyTiles = CentredOperand.Tiles(shape.KeyLength);
    }

    /// <summary>The kernel's own run, within a calibrated one if the specification asks for it.</summary>
    public static KernelRun Create(IAttentionKernel kernel, AttentionSpecification specification) =>
        specification.Calibration is { } calibration ? new CalibratedRun(kernel, specification, calibration) : kernel.Create(specification);

    public override long PackedBytes => _run.PackedBytes + (sizeof(float) * (_keyBias?.LongLength ?? 0));

    public override void SetKeyValue(TokenView key, TokenView value, CancellationToken cancellationToken)
    {
        _key.Set(key, cancellationToken);
        if (_keyBias is not null)
        {
            _originalKey = key;
            _loop.Run(checked(_specification.Shape.BatchSize * _specification.Shape.HeadCount * _keyTiles), _addKeyBias, cancellationToken);
        }

        _run.SetKeyValue(_key.View, value, cancellationToken);
        _key.Release(); // the kernel has packed what it needs
    }

    public override void SetQuery(TokenView query, CancellationToken cancellationToken)
    {
        _query.Set(query, cancellationToken);
        _run.SetQuery(_query.View, cancellationToken);
    }

    public override void Attend(TokenView destination, float* logSumExp, CancellationToken cancellationToken) => _run.Attend(destination, logSumExp, cancellationToken);

    public override void Dispose()
    {
        _run.Dispose();
        _loop.Dispose();
        _query.Dispose();
        _key.Dispose();
    }

    private static float[] KeyBiasBuffer(in AttentionShape shape)
    {
        long length = (long)shape.BatchSize * shape.HeadCount * shape.KeyLength;
        return length <= Array.MaxLength
            ? GC.AllocateArray<float>((int)length, pinned: true)
            : throw new ArgumentException($"Calibration.QueryCentre needs a bias of {shape.BatchSize} x {shape.HeadCount} x {shape.KeyLength} values; at most {Array.MaxLength} are supported. Split the call.", "options");
    }

    private static double[] Transposed(ReadOnlySpan<float> rotations, int dimension)
    {
        var columns = new double[rotations.Length];
        int size = dimension * dimension;
        for (int i = 0; i < rotations.Length; i++)
        {
            int row = i % size / dimension;
            int column = i % dimension;
            columns[(i / size * size) + (column * dimension) + row] = rotations[i];
        }

        return columns;
    }

    private void AddKeyBias(int item, int worker)
    {
        AttentionShape shape = _specification.Shape;
        int head = item / _keyTiles;
        int itemHead = head % shape.HeadCount;
        ReadOnlySpan<float> centre = _calibration.QueryCentre.Span.Slice(itemHead * shape.HeadDimension, shape.HeadDimension);
        int first = item % _keyTiles * CentredOperand.TileTokens;
        for (int token = first; token < Math.Min(first + CentredOperand.TileTokens, shape.KeyLength); token++)
        {
            float* channels = _originalKey.Token(head / shape.HeadCount, itemHead / _specification.HeadsPerKeyHead, token);
            double dot = 0;
            for (int channel = 0; channel < centre.Length; channel++)
            {
                dot += (double)centre[channel] * channels[channel];
            }

            // Kept within float32, so that finite operands give a finite bias; NaN stays NaN.
            _keyBias![((long)head * shape.KeyLength) + token] = (float)Math.Clamp(dot * _specification.LogitScale, float.MinValue, float.MaxValue);
        }
    }
}
