// What a piece of generated code is made for; equal specifications share one piece. Everything else (lengths, pointers, tables) is an argument of the call.
namespace BinaryAttention.Kernels.Assembled;

/// <param name="Tile">Rows and channels computed together.</param>
/// <param name="Planes">8-bit planes of the key codes: ceil(headDimension / 8).</param>
/// <param name="Stages">Which stages the code runs.</param>
/// <param name="WideDistances">Distances above 128 may occur, so that table offsets do not fit the saturating addition and doubled distances do not fit a byte.</param>
/// <param name="FractionBits">In fixed-point stages, log2 of the units of an octave; else 0.</param>
/// <param name="TailGranules">For whole items, groups of 16 keys that hold keys in the last block; else 0, and the call says how many.</param>
internal readonly record struct KernelSpecification(TileShape Tile, int Planes, KernelStages Stages, bool WideDistances, int FractionBits = 0, int TailGranules = 0)
{
    /// <summary>A name for listings and profilers.</summary>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"rows{Tile.Rows}x{Tile.Vectors}-planes{Planes}-{Stages.ToString().Replace(", ", "-", StringComparison.Ordinal)}{(WideDistances ? "-wide" : string.Empty)}{(FractionBits > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"-octave{1 << FractionBits}") : string.Empty)}{(TailGranules > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"-tail{TailGranules}") : string.Empty)}");
}
