namespace BinaryAttention;

/// <summary>What multiplies the sign dot products of one side: of the rows (queries) or of the columns (keys).</summary>
public enum SignWeightingMode
{
    /// <summary>Mean of the absolute values over the valid tokens and the channels of one (batch, head): one number a head (BinaryAttention, section 4).</summary>
    MeanMagnitudePerHead = 0,

    /// <summary>Mean of the absolute values over the channels of one token: one number a token.</summary>
    MeanMagnitudePerToken = 1,

    /// <summary>Given by the caller: one signed number per token and head (BinaryFormer).</summary>
    Learned = 2,

    /// <summary>1: plain sign attention.</summary>
    None = 3,
}
