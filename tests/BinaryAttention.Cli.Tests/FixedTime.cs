namespace BinaryAttention.Cli.Tests;

/// <summary>A calendar that stands still; elapsed time runs on.</summary>
internal sealed class FixedTime : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => new(2026, 4, 1, 12, 0, 0, TimeSpan.Zero);
}
