namespace TestKit.Attention;

/// <summary>The sign weightings that kernels are tested with.</summary>
public enum WeightingForm
{
    /// <summary>Mean magnitude per head on both sides.</summary>
    PerHead = 0,

    /// <summary>Per token for the queries, per head for the keys.</summary>
    PerTokenQuery = 1,

    /// <summary>No weights.</summary>
    None = 2,

    /// <summary>Per token on both sides.</summary>
    PerToken = 3,

    /// <summary>Per head for the queries, per token for the keys.</summary>
    PerTokenKey = 4,

    /// <summary>Given, of both signs.</summary>
    Learned = 5,

    /// <summary>Given, of both signs; zeros, huge and tiny ones among them.</summary>
    LearnedExtreme = 6,
}
