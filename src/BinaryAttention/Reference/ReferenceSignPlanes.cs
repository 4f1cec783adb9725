// The sign planes of one (batch, head)'s queries or keys, x ~ sum_r w^r s^r (operator page, "Residual bit planes"):
//   s^1 = sign(x)                    w^1 = the weight of the mode
//   s^2 = sign(x - w^1 s^1)          w^2 = mean |x - w^1 s^1|, per token or per head as the mode says
// A zero counts as +1, or as -1 under SignOfZero.Negative. Padded tokens take no part in means; their own weights and signs mean nothing.
using BinaryAttention.Kernels;

namespace BinaryAttention.Reference;

internal sealed class ReferenceSignPlanes
{
    private readonly sbyte[][] _signs;
    private readonly int _dimension;

    public ReferenceSignPlanes(ReferenceOperand operand, int batch, int head, in SignSide side, int validTokens)
    {
        int tokens = operand.TokenCount;
        _dimension = operand.Dimension;
        _signs = new sbyte[side.Planes][];
        Weights = new float[side.Planes][];
        double[] rest = operand.Head(batch, head);
        ReadOnlySpan<float> learned = side.Mode == SignWeightingMode.Learned ? side.Learned.Span.Slice(((batch * operand.HeadCount) + head) * tokens, tokens) : default;
        IsFinite = true;
        for (int plane = 0; plane < side.Planes; plane++)
        {
            (Weights[plane], bool isFinite) = ReferenceMagnitudes.Of(rest, tokens, validTokens, side.Mode, learned);
            IsFinite &= isFinite;
            var signs = new sbyte[rest.Length];
            for (int i = 0; i < rest.Length; i++)
            {
                signs[i] = (sbyte)ReferenceSigns.Of(rest[i], side.SignOfZero);
                rest[i] -= (double)Weights[plane][i / _dimension] * signs[i];
            }

            _signs[plane] = signs;
        }
    }

    /// <summary>One weight per token, plane by plane.</summary>
    public float[][] Weights { get; }

    /// <summary>False if a valid token holds a NaN or an infinity.</summary>
    public bool IsFinite { get; }

    public int Planes => _signs.Length;

    /// <summary>The signs of one token, +1 or -1 (0 for NaN).</summary>
    public ReadOnlySpan<sbyte> Signs(int plane, int token) => _signs[plane].AsSpan(token * _dimension, _dimension);
}
