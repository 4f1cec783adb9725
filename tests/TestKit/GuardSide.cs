namespace TestKit;

/// <summary>The side of a buffer on which the next byte cannot be touched.</summary>
public enum GuardSide
{
    /// <summary>The buffer starts at the first byte after an inaccessible page.</summary>
    Before = 0,

    /// <summary>The buffer ends at the last byte before an inaccessible page.</summary>
    After = 1,
}
