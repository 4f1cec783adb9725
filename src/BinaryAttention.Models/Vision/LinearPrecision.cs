namespace BinaryAttention.Models.Vision;

/// <summary>In which numbers the linear layers of the transformer blocks multiply. The patch projection, the heads, layer norms and activations are float32 in either.</summary>
public enum LinearPrecision
{
    /// <summary>Single precision.</summary>
    Float32 = 0,

    /// <summary>
    /// 8-bit integers with exact 32-bit sums: weights symmetric per output channel, quantised once; activations on 256 levels between the smallest and the largest
    /// number of each token, found while the model runs, so no calibration is needed.
    /// </summary>
    EightBit = 1,
}
