// How a tile's sums fill the registers: rows x vectors of sixteen 32-bit sums. Twenty-four sums leave room for the values, one broadcast probability and the side stages.
namespace BinaryAttention.Kernels.Assembled;

/// <param name="Rows">Query rows computed together.</param>
/// <param name="Vectors">Vectors of sixteen channels in one panel.</param>
internal readonly record struct TileShape(int Rows, int Vectors)
{
    public const int MaxVectors = 4;

    private const int Sums = 24;

    // Fixed-point logits need seven registers beside the sums.
    private const int LogitSums = 21;

    private const int VectorChannels = 16;

    /// <summary>Channels of one panel.</summary>
    public int PanelChannels => Vectors * VectorChannels;

    /// <summary>The shape for a value dimension: the fewest panels of at most 64 channels, all equally wide.</summary>
    public static TileShape For(int valueDimension) => For(valueDimension, Sums);

    /// <summary>The shape for a value dimension in fixed-point log mode.</summary>
    public static TileShape ForLogits(int valueDimension) => For(valueDimension, LogitSums);

    private static TileShape For(int valueDimension, int sums)
    {
        int vectors = (valueDimension + VectorChannels - 1) / VectorChannels;
        int panels = (vectors + MaxVectors - 1) / MaxVectors;
        int panelVectors = (vectors + panels - 1) / panels;
        return new TileShape(sums / panelVectors, panelVectors);
    }
}
