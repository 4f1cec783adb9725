// Log mode: a bias or one weight per key makes every pair's exponential its own, so that scores are float32 logits.
//   logit = (rowFactor * columnWeight_j) * (2 score / unit - d) + bias_ij;  e = 2^((logit - maximum) log2 e);  P = round(255 e);  rowSum = 255 sum e
// Logits are held times 2^-k, k = max(exponent of rowFactor + 10, 2): with finite weights and biases no product or difference of them leaves float32, whatever their size. Powers of two
// change no digits, and what underflows is below 2^(k - 149) <= 2^-23 of a logit. Row factors beyond 2^116 (8.3e34) count as 2^116.
// Sums run over a tile in plain float32 and over tiles with compensation, so that their error does not grow with the row.
// Agrees with the CPU to rounding: a P may differ by one where 255 e lies next to a half. A bias of -infinity masks the pair.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class LogRule : ScoreRule
{
    private const float Log2E = 1.44269504f;
    private const float LargestFactor = 8.3076749736557242056487941267521536e34f;
    private readonly PtxEmitter _ptx;
    private readonly AttentionVariant _variant;
    private readonly PtxRegister[] _factors;
    private readonly PtxRegister[] _maxima;
    private readonly PtxRegister[] _exponents;
    private readonly PtxRegister[] _scalesDown;
    private readonly PtxRegister[] _scalesUp;
    private readonly PtxRegister[] _tileSums;
    private readonly CompensatedSum[] _sums;
    private readonly PtxRegister _inGroupBytes;
    private readonly PairBias? _bias;

    // By column tile: weights of two keys, then the second halves of their terms.
    private readonly Dictionary<int, PtxRegister[]> _terms = [];
    private PtxRegister _keyTerms;

    /// <summary>Reads the rows' factors.</summary>
    /// <param name="ptx">Receives the instructions.</param>
    /// <param name="variant">The kernel.</param>
    /// <param name="block">Rows of the lane.</param>
    /// <param name="rowFactors">Row weight times logit scale, [heads, queryLength].</param>
    /// <param name="bias">The bias, or null for none.</param>
    public LogRule(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister rowFactors, PairBias? bias)
    {
        _ptx = ptx;
        _variant = variant;
        _bias = bias;
        _inGroupBytes = ptx.Op("mul.lo.s32", block.InGroup, 4 * variant.KeyTermBytes);
        PtxRegister headRow = ptx.Op("mul.wide.u32", block.HeadIndex, block.QueryLength);
        PtxRegister[] rows = block.Rows.Select(row => ptx.Op("min.s32", row, block.LastRow)).ToArray();
        _factors = rows.Select(row => ptx.Load("global.nc", "f32", ptx.Op("add.s64", rowFactors, ptx.Op("shl.b64", ptx.Op("add.s64", headRow, ptx.Op("cvt.u64.u32", row)), 2)))).ToArray();
        _maxima = new PtxRegister[rows.Length];
        _exponents = new PtxRegister[rows.Length];
        _scalesDown = new PtxRegister[rows.Length];
        _scalesUp = new PtxRegister[rows.Length];
        for (int row = 0; row < rows.Length; row++)
        {
            Scale(row);
        }

        _tileSums = rows.Select(_ => ptx.Op("mov.f32", 0f)).ToArray();
        _sums = rows.Select(_ => new CompensatedSum(ptx)).ToArray();
    }

    public override PtxRegister StartMaximum() => _ptx.Op("mov.f32", float.NegativeInfinity);

    public override void BeginTile(PtxRegister keyTerms, PtxRegister laneKey)
    {
        _keyTerms = _ptx.Op("add.s32", keyTerms, _inGroupBytes);
        _terms.Clear();
        _bias?.BeginTile(laneKey);
    }

    public override void Include(PtxRegister maximum, int row, int tile, int element, PtxRegister score, PtxRegister? isAllowed) =>
        _ptx.Into(maximum, "max.f32", maximum, Logit(row, tile, element, score, isAllowed));

    public override void FinishMaximum(int row, PtxRegister maximum)
    {
        _ptx.Into(maximum, "max.f32", maximum, _ptx.ShuffleXor(maximum, 1));
        _ptx.Into(maximum, "max.f32", maximum, _ptx.ShuffleXor(maximum, 2));

        // A row without keys keeps a maximum of 0, so that -infinity less the maximum stays -infinity.
        PtxRegister isEmpty = _ptx.Op("setp.eq.f32", maximum, float.NegativeInfinity);
        _maxima[row] = _ptx.Op("selp.f32", 0f, maximum, isEmpty);
    }

    public override PtxRegister Numerators(int row, int tile, PtxRegister[] scores, PtxRegister[]? isAllowed)
    {
        var levels = new PtxRegister[4];
        for (int i = 0; i < levels.Length; i++)
        {
            PtxRegister logit = Logit(row, tile + (i / 2), i % 2, scores[i], isAllowed?[i]);
            PtxRegister exponent = _ptx.Op("mul.rn.f32", _ptx.Op("sub.rn.f32", logit, _maxima[row]), _exponents[row]);
            PtxRegister exponential = _ptx.Op("ex2.approx.f32", exponent);
            _ptx.Into(_tileSums[row], "add.rn.f32", _tileSums[row], exponential);
            levels[i] = _ptx.Op("cvt.rni.s32.f32", _ptx.Op("mul.rn.f32", exponential, 255f));
        }

        PtxRegister low = _ptx.Op("prmt.b32", levels[0], levels[1], 0x0040);
        PtxRegister high = _ptx.Op("prmt.b32", levels[2], levels[3], 0x0040);
        return _ptx.Op("prmt.b32", low, high, 0x5410);
    }

    public override void EndTile()
    {
        for (int row = 0; row < _sums.Length; row++)
        {
            _sums[row].Add(_tileSums[row]);
            _ptx.Into(_tileSums[row], "mov.f32", 0f);
        }
    }

    public override PtxRegister RowSum(int row)
    {
        PtxRegister sum = _sums[row].Value;
        _ptx.Into(sum, "add.rn.f32", sum, _ptx.ShuffleXor(sum, 1));
        _ptx.Into(sum, "add.rn.f32", sum, _ptx.ShuffleXor(sum, 2));
        return _ptx.Op("mul.rn.f32", sum, 255f);
    }

    public override PtxRegister LogSumExp(int row, PtxRegister rowIndex, PtxRegister rowSum)
    {
        PtxRegister maximum = _ptx.Op("mul.rn.f64", _ptx.Op("cvt.f64.f32", _maxima[row]), _ptx.Op("cvt.f64.f32", _scalesUp[row]));
        return _ptx.Op("add.rn.f64", maximum, DoubleMath.Log(_ptx, _ptx.Op("cvt.f64.f32", _sums[row].Value)));
    }

    // The row's power of two, from the exponent of its factor.
    private void Scale(int row)
    {
        PtxRegister bits = _ptx.Op("mov.b32:bits", _factors[row]);
        PtxRegister sign = _ptx.Op("and.b32", bits, 0x80000000u);
        PtxRegister magnitude = _ptx.Op("and.b32", bits, 0x7FFFFFFFu);

        // A NaN keeps its bits and its row.
        PtxRegister isHuge = _ptx.Op("setp.gt.f32", _ptx.Op("abs.f32", _factors[row]), LargestFactor);
        PtxRegister factor = _ptx.Op("selp.f32", _ptx.Op("mov.b32:float", _ptx.Op("or.b32", sign, BitConverter.SingleToInt32Bits(LargestFactor))), _factors[row], isHuge);
        PtxRegister k = _ptx.Op("min.s32", _ptx.Op("max.s32", _ptx.Op("sub.s32", _ptx.Op("shr.u32", magnitude, 23), 127 - 10), 2), 126);
        _scalesUp[row] = _ptx.Op("mov.b32:float", _ptx.Op("shl.b32", _ptx.Op("add.s32", k, 127), 23));
        _scalesDown[row] = _ptx.Op("mov.b32:float", _ptx.Op("shl.b32", _ptx.Op("sub.s32", 127, k), 23));
        _factors[row] = _ptx.Op("mul.rn.f32", factor, _scalesDown[row]);
        _exponents[row] = _ptx.Op("mul.rn.f32", _scalesUp[row], Log2E);
        _ptx.Discard(_scalesDown[row], _scalesUp[row]);
    }

    private PtxRegister Logit(int row, int tile, int element, PtxRegister score, PtxRegister? isAllowed)
    {
        PtxRegister[] terms = Terms(tile);
        PtxRegister signDot = _ptx.Op("cvt.rn.f32.s32", _ptx.Op("mad.lo.s32", score, 2 / _variant.ScoreUnit, -_variant.Layout.HeadDimension));
        PtxRegister logit = _ptx.Op("mul.rn.f32", _ptx.Op("mul.rn.f32", _factors[row], terms[element]), signDot);
        if (_bias is not null)
        {
            logit = _ptx.Op("fma.rn.f32", _bias.Value(row, tile, element, terms.Length > 2 ? terms[2 + element] : default, isAllowed is null), _scalesDown[row], logit);
        }

        return isAllowed is { } allowed ? _ptx.Op("selp.f32", logit, float.NegativeInfinity, allowed) : logit;
    }

    private PtxRegister[] Terms(int tile)
    {
        if (_terms.TryGetValue(tile, out PtxRegister[]? terms))
        {
            return terms;
        }

        int offset = TileLayout.KeyOffset(tile, 0) * _variant.KeyTermBytes;
        if (_variant.KeyTermBytes == 4)
        {
            terms = _ptx.New(PtxClass.F32, 2);
            _ptx.LoadInto(terms, "shared", "f32", _keyTerms, offset);
        }
        else
        {
            PtxRegister[] words = _ptx.New(PtxClass.B32, 4);
            _ptx.LoadInto(words, "shared", "b32", _keyTerms, offset);
            terms = [_ptx.Op("mov.b32:float", words[0]), _ptx.Op("mov.b32:float", words[2]), words[1], words[3]];
        }

        _terms.Add(tile, terms);
        return terms;
    }
}
