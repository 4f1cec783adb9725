// The values of one (batch, key head) as a row multiplies them: 8-bit levels with one scale a channel, or unchanged.
//   Tiled:           c = v - mean, m = max|c|, scale = m / 127, level = round half to even(c * 127 / m);   mean in float32 from a double sum in token order
//   TrainingParity:  SymmetricQuantizer.Value in float32 with the kernels' scale 127 / (m + 1e-6), not centred
// Padded tokens take no part: their levels are 0 and no mean or maximum sees them. A channel with a NaN or an infinity has levels 0 and a NaN that makes every output of the channel NaN.
namespace BinaryAttention.Reference;

internal sealed class ReferenceValues
{
    private readonly ReferenceOperand _operand;
    private readonly int _batch;
    private readonly int _head;
    private readonly ValueQuantization _quantization;
    private readonly int _validTokens;

    public ReferenceValues(ReferenceOperand operand, int batch, int head, ValueQuantization quantization, int validTokens)
    {
        _operand = operand;
        _batch = batch;
        _head = head;
        _quantization = quantization;
        _validTokens = validTokens;
        ChannelCount = operand.Dimension;
        Levels = new int[operand.TokenCount, ChannelCount];
        Scales = new float[ChannelCount];
        Means = new float[ChannelCount];
        IsFinite = new bool[ChannelCount];
        for (int channel = 0; channel < ChannelCount; channel++)
        {
            IsFinite[channel] = HasOnlyFinite(channel);
            switch (quantization)
            {
                case ValueQuantization.Tiled:
                    QuantizeCentred(channel);
                    break;
                case ValueQuantization.TrainingParity:
                    QuantizeAsTrained(channel);
                    break;
                default:
                    break;
            }
        }
    }

    public int ChannelCount { get; }

    /// <summary>8-bit levels [token, channel]; zeros in Full mode.</summary>
    public int[,] Levels { get; }

    /// <summary>Tiled: value of one level. TrainingParity: levels per unit, s. Full: 0.</summary>
    public float[] Scales { get; }

    /// <summary>Tiled: the channel mean, NaN for a channel with a non-finite value. Otherwise 0.</summary>
    public float[] Means { get; }

    /// <summary>Whether a channel has finite values only.</summary>
    public bool[] IsFinite { get; }

    public float At(int token, int channel) => _operand.Token(_batch, _head, token)[channel];

    /// <summary>The value that the gradient sees: dequantised in TrainingParity, else the value itself (rounding and centring count as straight-through).</summary>
    public double ForGradient(int token, int channel) => _quantization == ValueQuantization.TrainingParity
        ? SymmetricQuantizer.Dequantize(Levels[token, channel], Scales[channel])
        : At(token, channel);

    private bool HasOnlyFinite(int channel)
    {
        for (int token = 0; token < _validTokens; token++)
        {
            if (!float.IsFinite(At(token, channel)))
            {
                return false;
            }
        }

        return true;
    }

    private void QuantizeCentred(int channel)
    {
        if (!IsFinite[channel])
        {
            Means[channel] = float.NaN;
            return;
        }

        double sum = 0;
        for (int token = 0; token < _validTokens; token++)
        {
            sum += At(token, channel);
        }

        float mean = _validTokens == 0 ? 0 : (float)(sum / _validTokens);
        Means[channel] = mean;
        double maximum = 0;
        for (int token = 0; token < _validTokens; token++)
        {
            maximum = Math.Max(maximum, Math.Abs((double)At(token, channel) - mean));
        }

        Scales[channel] = (float)(maximum / 127.0);
        if (maximum == 0)
        {
            return;
        }

        double inverse = 127.0 / maximum;
        for (int token = 0; token < _validTokens; token++)
        {
            double centred = (double)At(token, channel) - mean;
            Levels[token, channel] = (int)Math.Clamp(Math.Round(centred * inverse, MidpointRounding.ToEven), -127, 127);
        }
    }

    private void QuantizeAsTrained(int channel)
    {
        if (!IsFinite[channel])
        {
            Scales[channel] = float.NaN;
            return;
        }

        float maximum = 0;
        for (int token = 0; token < _validTokens; token++)
        {
            maximum = MathF.Max(maximum, MathF.Abs(At(token, channel)));
        }

        float scale = SymmetricQuantizer.Value.Scale(maximum);
        Scales[channel] = scale;
        for (int token = 0; token < _validTokens; token++)
        {
            Levels[token, channel] = SymmetricQuantizer.Value.Level(At(token, channel), scale);
        }
    }
}
