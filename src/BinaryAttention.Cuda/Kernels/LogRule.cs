// Log mode: a bias or one weight per key makes every pair's exponential its own, so that scores are float32 logits.
//   logit = (rowFactor * columnWeight_j) * (2 agreements - d) + bias_ij;  e = 2^((logit - maximum) log2 e);  P = round(255 e);  rowSum = 255 sum e
// Agrees with the CPU to rounding: a P may differ by one where 255 e lies next to a half. A bias of -infinity masks the pair.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class LogRule : ScoreRule
{
    private const float Log2E = 1.44269504f;
    private readonly PtxEmitter _ptx;
    private readonly AttentionVariant _variant;
    private readonly PtxRegister[] _factors;
    private readonly PtxRegister[] _biasRows;
    private readonly PtxRegister[] _maxima;
    private readonly PtxRegister[] _sums;
    private readonly PtxRegister _inGroupBytes;
    private readonly PtxRegister _keys;
    private readonly Dictionary<int, PtxRegister[]> _weights = [];
    private PtxRegister _keyTerms;
    private PtxRegister _laneKey;
    private PtxRegister[] _biasAddresses = [];

    /// <summary>Reads the rows' factors.</summary>
    /// <param name="ptx">Receives the instructions.</param>
    /// <param name="variant">The kernel.</param>
    /// <param name="block">Rows of the lane.</param>
    /// <param name="rowFactors">Row weight times logit scale, [heads, queryLength].</param>
    /// <param name="bias">Declares the bias operand's parameters, or null for none.</param>
    /// <param name="keys">Keys of the bias rows.</param>
    public LogRule(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister rowFactors, TokenSource? bias, PtxRegister keys)
    {
        _ptx = ptx;
        _variant = variant;
        _keys = keys;
        _inGroupBytes = ptx.Op("shl.b32", block.InGroup, 4);
        PtxRegister headRow = ptx.Op("mul.wide.u32", block.HeadIndex, block.QueryLength);
        PtxRegister[] rows = block.Rows.Select(row => ptx.Op("min.s32", row, block.LastRow)).ToArray();
        _factors = rows.Select(row => ptx.Load("global.nc", "f32", ptx.Op("add.s64", rowFactors, ptx.Op("shl.b64", ptx.Op("add.s64", headRow, ptx.Op("cvt.u64.u32", row)), 2)))).ToArray();
        _biasRows = [];
        if (bias is not null)
        {
            PtxRegister head = bias.Head(block.Batch, block.Head);
            PtxRegister zero = ptx.Op("mov.b32", 0);
            _biasRows = rows.Select(row => bias.Token(head, row, zero)).ToArray();
        }

        _maxima = new PtxRegister[rows.Length];
        _sums = rows.Select(_ => ptx.Op("mov.f32", 0f)).ToArray();
    }

    public override PtxRegister StartMaximum() => _ptx.Op("mov.f32", float.NegativeInfinity);

    public override void BeginTile(PtxRegister keyTerms, PtxRegister laneKey)
    {
        _keyTerms = _ptx.Op("add.s32", keyTerms, _inGroupBytes);
        _laneKey = laneKey;
        _weights.Clear();
        _biasAddresses = _biasRows.Select(row => _ptx.Op("add.s64", row, _ptx.Op("mul.wide.s32", laneKey, 4))).ToArray();
    }

    public override void Include(PtxRegister maximum, int row, int tile, int element, PtxRegister agreements, PtxRegister? isAllowed) =>
        _ptx.Into(maximum, "max.f32", maximum, Logit(row, tile, element, agreements, isAllowed));

    public override void FinishMaximum(int row, PtxRegister maximum)
    {
        _ptx.Into(maximum, "max.f32", maximum, _ptx.ShuffleXor(maximum, 1));
        _ptx.Into(maximum, "max.f32", maximum, _ptx.ShuffleXor(maximum, 2));

        // A row without keys keeps a maximum of 0, so that -infinity less the maximum stays -infinity.
        PtxRegister isEmpty = _ptx.Op("setp.eq.f32", maximum, float.NegativeInfinity);
        _maxima[row] = _ptx.Op("selp.f32", 0f, maximum, isEmpty);
    }

    public override PtxRegister Numerators(int row, int tile, PtxRegister[] agreements, PtxRegister[]? isAllowed)
    {
        var levels = new PtxRegister[4];
        for (int i = 0; i < levels.Length; i++)
        {
            PtxRegister logit = Logit(row, tile + (i / 2), i % 2, agreements[i], isAllowed?[i]);
            PtxRegister exponent = _ptx.Op("mul.rn.f32", _ptx.Op("sub.rn.f32", logit, _maxima[row]), Log2E);
            PtxRegister exponential = _ptx.Op("ex2.approx.f32", exponent);
            _ptx.Into(_sums[row], "add.rn.f32", _sums[row], exponential);
            levels[i] = _ptx.Op("cvt.rni.s32.f32", _ptx.Op("mul.rn.f32", exponential, 255f));
        }

        PtxRegister low = _ptx.Op("prmt.b32", levels[0], levels[1], 0x0040);
        PtxRegister high = _ptx.Op("prmt.b32", levels[2], levels[3], 0x0040);
        return _ptx.Op("prmt.b32", low, high, 0x5410);
    }

    public override PtxRegister RowSum(int row)
    {
        _ptx.Into(_sums[row], "add.rn.f32", _sums[row], _ptx.ShuffleXor(_sums[row], 1));
        _ptx.Into(_sums[row], "add.rn.f32", _sums[row], _ptx.ShuffleXor(_sums[row], 2));
        return _ptx.Op("mul.rn.f32", _sums[row], 255f);
    }

    public override PtxRegister LogSumExp(int row, PtxRegister rowIndex, PtxRegister rowSum) =>
        _ptx.Op("add.rn.f64", _ptx.Op("cvt.f64.f32", _maxima[row]), DoubleMath.Log(_ptx, _ptx.Op("cvt.f64.f32", _sums[row])));

    private PtxRegister Logit(int row, int tile, int element, PtxRegister agreements, PtxRegister? isAllowed)
    {
        int key = TileLayout.KeyOffset(tile, element);
        if (!_weights.TryGetValue(tile, out PtxRegister[]? weights))
        {
            weights = _ptx.New(PtxClass.F32, 2);
            _ptx.LoadInto(weights, "shared", "f32", _keyTerms, TileLayout.KeyOffset(tile, 0) * 4);
            _weights.Add(tile, weights);
        }

        PtxRegister signDot = _ptx.Op("cvt.rn.f32.s32", _ptx.Op("mad.lo.s32", agreements, 2, -_variant.Layout.HeadDimension));
        PtxRegister logit = _ptx.Op("mul.rn.f32", _ptx.Op("mul.rn.f32", _factors[row], weights[element]), signDot);
        if (_biasAddresses.Length != 0)
        {
            PtxRegister bias = _ptx.Op("mov.f32", 0f);
            if (isAllowed is null)
            {
                _ptx.LoadInto([bias], "global.nc", "f32", _biasAddresses[row], key * 4);
            }
            else
            {
                PtxRegister isKey = _ptx.Op("setp.lt.s32", _ptx.Op("add.s32", _laneKey, key), _keys);
                _ptx.When(isKey, () => _ptx.LoadInto([bias], "global.nc", "f32", _biasAddresses[row], key * 4));
            }

            logit = _ptx.Op("add.rn.f32", logit, bias);
        }

        return isAllowed is { } allowed ? _ptx.Op("selp.f32", logit, float.NegativeInfinity, allowed) : logit;
    }
}
