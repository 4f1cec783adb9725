namespace TestKit.Attention;

/// <summary>The bias of a case.</summary>
public enum BiasForm
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Per key, shared by batch and heads.</summary>
    PerKeyShared = 1,

    /// <summary>Per key, one for every batch item and head, some of them -infinity.</summary>
    PerKeyFull = 2,

    /// <summary>Dense, shared by batch and heads.</summary>
    DenseShared = 3,

    /// <summary>Dense, one per head.</summary>
    DensePerHead = 4,

    /// <summary>Dense, one per batch item.</summary>
    DensePerBatch = 5,

    /// <summary>Dense for every batch item and head.</summary>
    DenseFull = 6,

    /// <summary>Dense, a third of the pairs -infinity, every fourth row fully masked.</summary>
    DenseMasked = 7,

    /// <summary>Relative-position table without a class token, one per head.</summary>
    Relative = 8,

    /// <summary>Relative-position table with a class token, one per head.</summary>
    RelativeWithClass = 9,

    /// <summary>Relative-position table with a class token, shared by the heads.</summary>
    RelativeShared = 10,

    /// <summary>Low-rank factors, shared by batch and heads.</summary>
    LowRankShared = 11,

    /// <summary>Low-rank factors for every batch item and head.</summary>
    LowRankFull = 12,
}
