// Sums over the keys of one query row, gathered block by block: everything the divergence and the cosine of two probability rows need.
namespace BinaryAttention.Models.Metrics;

internal struct RowComparison
{
    // A one-bit probability can underflow where the exact one does not; the smallest normal float keeps the divergence finite (at most 87.3 p for such a pair).
    private const double Smallest = 1.1754943508222875e-38;

    private double _divergence;
    private double _product;
    private double _exactSquares;
    private double _binarySquares;

    /// <summary>
    /// <c>sum p ln(p/q) - p + q</c>. Since both rows sum to 1 the last two terms add up to nothing but the rows' rounding errors; with them each pair's term is at
    /// least 0, so float rounding cannot make a divergence negative.
    /// </summary>
    public readonly double Divergence => _divergence;

    /// <summary><c>p.q / (|p| |q|)</c>; 1 for a row without allowed keys, whose probabilities are all 0 in both.</summary>
    public readonly double Cosine => _exactSquares == 0 && _binarySquares == 0 ? 1
        : _exactSquares == 0 || _binarySquares == 0 ? 0
        : Math.Min(1, _product / Math.Sqrt(_exactSquares * _binarySquares));

    public void Add(ReadOnlySpan<float> exact, ReadOnlySpan<float> binary)
    {
        for (int i = 0; i < exact.Length; i++)
        {
            double p = exact[i], q = binary[i];
            _product += p * q;
            _exactSquares += p * p;
            _binarySquares += q * q;
            _divergence += p == q ? 0 : p > 0 ? (p * Math.Log(p / Math.Max(q, Smallest))) - p + q : q - p;
        }
    }
}
