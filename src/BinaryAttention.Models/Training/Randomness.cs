// Random decisions without a state: a decision is a function of the run's seed, what it is for, and where the run stands. A run that continues from a checkpoint needs its position and nothing
// else, and any number of loader threads draws the same numbers.
//
//   key = mix(... mix(mix(seed + hash(purpose)) + place) ...)      mix: the finaliser of SplitMix64 (Steele, Lea and Flood 2014); hash: FNV-1a over the characters
namespace BinaryAttention.Models.Training;

/// <summary>Gives every random decision of a training run a generator of its own, which depends on nothing but the run's seed, the purpose and the place.</summary>
/// <param name="Seed">The seed of the run.</param>
public readonly record struct Randomness(long Seed)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>The generator of one decision.</summary>
    /// <param name="purpose">What is decided, such as "shuffle" or "drop path"; different purposes draw unrelated numbers.</param>
    /// <param name="place">Where: for instance epoch, sample, layer. Different places, and different numbers of places, draw unrelated numbers.</param>
    /// <exception cref="ArgumentException">The purpose is null or empty.</exception>
    public RandomStream Stream(string purpose, params ReadOnlySpan<long> place)
    {
        ArgumentException.ThrowIfNullOrEmpty(purpose);
        ulong hash = 0xCBF29CE484222325;
        foreach (char letter in purpose)
        {
            hash = unchecked((hash ^ letter) * 0x100000001B3);
        }

        ulong key = Mix(unchecked((ulong)Seed + Golden) ^ hash);
        key = Mix(unchecked(key + (ulong)place.Length + Golden));
        foreach (long coordinate in place)
        {
            key = Mix(unchecked((key ^ (ulong)coordinate) + Golden));
        }

        return new RandomStream(key);
    }

    internal static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
