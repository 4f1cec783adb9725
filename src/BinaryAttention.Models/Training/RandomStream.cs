namespace BinaryAttention.Models.Training;

/// <summary>
/// A short sequence of random numbers (SplitMix64: Steele, Lea and Flood 2014), the same on every platform. Made by <see cref="Randomness.Stream"/>. A value type: copies go on independently,
/// so keep it in a local variable and pass it by reference.
/// </summary>
public struct RandomStream : IEquatable<RandomStream>
{
    private ulong _state;

    internal RandomStream(ulong state) => _state = state;

    /// <summary>Whether two generators stand at the same place.</summary>
    /// <param name="left">One generator.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(RandomStream left, RandomStream right) => left.Equals(right);

    /// <summary>Whether two generators stand at different places.</summary>
    /// <param name="left">One generator.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(RandomStream left, RandomStream right) => !left.Equals(right);

    /// <summary>64 random bits.</summary>
    public ulong NextBits() => Randomness.Mix(_state = unchecked(_state + 0x9E3779B97F4A7C15));

    /// <summary>Uniform in (0, 1).</summary>
    public double NextDouble() => ((NextBits() >> 11) + 0.5) * (1.0 / (1UL << 53));

    /// <summary>Uniform between two numbers.</summary>
    /// <param name="low">Lower end.</param>
    /// <param name="high">Upper end.</param>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform in 0 .. bound - 1.</summary>
    /// <param name="bound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bound is below 1.</exception>
    public int NextInt(int bound) => bound >= 1 ? (int)Math.BigMul(NextBits(), (ulong)bound, out _) : throw new ArgumentOutOfRangeException(nameof(bound), bound, "bound must be at least 1.");

    /// <summary>True with the given probability.</summary>
    /// <param name="probability">From 0 (never) to 1 (always).</param>
    public bool NextBool(double probability) => NextDouble() < probability;

    /// <summary>Standard normal (Box and Muller 1958).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Gamma with the given shape and scale 1 (Marsaglia and Tsang 2000).</summary>
    /// <param name="shape">Above 0.</param>
    public double NextGamma(double shape)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shape);
        if (shape < 1)
        {
            double boost = Math.Pow(NextDouble(), 1 / shape);
            return NextGamma(shape + 1) * boost;
        }

        double d = shape - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = NextNormal(), v = 1 + (c * x);
            v *= v * v;
            if (v > 0 && Math.Log(NextDouble()) < (x * x / 2) + d - (d * v) + (d * Math.Log(v)))
            {
                return d * v;
            }
        }
    }

    /// <summary>Beta distributed in [0, 1], as mixup draws its weights.</summary>
    /// <param name="alpha">First parameter, above 0.</param>
    /// <param name="beta">Second parameter, above 0.</param>
    public double NextBeta(double alpha, double beta)
    {
        double x = NextGamma(alpha), y = NextGamma(beta);
        return x + y > 0 ? x / (x + y) : 0.5;
    }

    /// <summary>The integers from 0 in random order (Fisher and Yates).</summary>
    /// <param name="count">How many.</param>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (int i = 0; i < count; i++)
        {
            int other = NextInt(i + 1);
            order[i] = order[other];
            order[other] = i;
        }

        return order;
    }

    /// <inheritdoc/>
    public readonly bool Equals(RandomStream other) => _state == other._state;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is RandomStream other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => _state.GetHashCode();
}
