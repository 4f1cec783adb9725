// The core's clock, measured and not looked up: a chain of additions each of which needs the one before takes one cycle per addition on every processor this
// code runs on, so additions per second are cycles per second. The time stamp counter would not do: it ticks at a fixed rate whatever the core's clock is.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace BinaryAttention.Cli.Benchmarking;

internal static class CycleClock
{
    private const int AdditionsPerTurn = 16;

    // About 0.4 ms an attempt, shorter than a time slice, so that on a busy machine some attempts run undisturbed.
    private const int Turns = 100_000;
    private const int Attempts = 60;

    /// <summary>Clock in GHz: the best of several attempts, since anything that interrupts one makes it look slower.</summary>
    public static double MeasureGigahertz()
    {
        // The addend comes from the clock, so that the compiler cannot know it; odd, so that it is not zero.
        long addend = Stopwatch.GetTimestamp() | 1;
        double best = 0;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            long start = Stopwatch.GetTimestamp();
            long sum = Chain(addend, Turns);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (sum != unchecked(addend * AdditionsPerTurn * Turns))
            {
                throw new InvalidOperationException("The additions that measure the clock were not all carried out.");
            }

            best = Math.Max(best, (double)AdditionsPerTurn * Turns / seconds * 1e-9);
        }

        return best;
    }

    // Register plus register: additions of a constant are renamed away by some processors. The loop counter runs beside the chain.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static long Chain(long addend, int turns)
    {
        long sum = 0;
        for (int turn = 0; turn < turns; turn++)
        {
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
            sum += addend;
        }

        return sum;
    }
}
