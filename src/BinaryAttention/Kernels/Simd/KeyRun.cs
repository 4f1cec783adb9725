namespace BinaryAttention.Kernels.Simd;

/// <summary>Neighbouring blocks of 64 keys that some row of a unit may see.</summary>
/// <param name="FirstBlock">The first block.</param>
/// <param name="Blocks">Number of blocks.</param>
/// <param name="Position">Where the run's first key stands among the selected keys.</param>
/// <param name="Keys">Keys of the run; the last block of all may hold fewer than 64.</param>
internal readonly record struct KeyRun(int FirstBlock, int Blocks, int Position, int Keys)
{
    public int FirstKey => FirstBlock * Bits.KeyCodes.BlockKeys;
}
