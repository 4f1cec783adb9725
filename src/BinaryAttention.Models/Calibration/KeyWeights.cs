namespace BinaryAttention.Models.Calibration;

/// <summary>What multiplies the signs of the keys.</summary>
public enum KeyWeights
{
    /// <summary>One number per head, part of its temperature: costs nothing when the model runs.</summary>
    PerHead = 0,

    /// <summary>The mean magnitude of each key's code.</summary>
    PerToken = 1,
}
