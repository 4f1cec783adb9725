// From 0 to 1 as colours whose lightness rises evenly: near-black blue, violet, orange, pale yellow. Readable without colour vision and on either background.
namespace BinaryAttention.Models.Reports;

internal static class ColourRamp
{
    private static readonly byte[][] Stops = [[10, 12, 40], [72, 24, 110], [152, 44, 104], [222, 92, 60], [250, 168, 50], [252, 244, 190]];

    public static (byte Red, byte Green, byte Blue) At(double share)
    {
        // NaN has no place on the ramp: grey.
        if (double.IsNaN(share))
        {
            return (128, 128, 128);
        }

        double position = Math.Clamp(share, 0, 1) * (Stops.Length - 1);
        int lower = Math.Min((int)position, Stops.Length - 2);
        double part = position - lower;
        return (Mix(0), Mix(1), Mix(2));

        byte Mix(int channel) => (byte)Math.Round(Stops[lower][channel] + (part * (Stops[lower + 1][channel] - Stops[lower][channel])));
    }
}
