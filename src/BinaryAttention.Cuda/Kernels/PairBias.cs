// The bias of a pair of log mode, read while the kernel runs; no N x N matrix is made unless the caller holds one.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal abstract class PairBias
{
    /// <summary>Addresses of one tile.</summary>
    /// <param name="laneKey">First key of the tile plus 4 t.</param>
    public abstract void BeginTile(PtxRegister laneKey);

    /// <summary>The bias of one pair as float32.</summary>
    /// <param name="row">Row of the lane.</param>
    /// <param name="tile">Column tile.</param>
    /// <param name="element">Element of it.</param>
    /// <param name="keyPart">The second half of the key's term; none if it has one half.</param>
    /// <param name="areKeysThere">False where the key may lie beyond the operand.</param>
    public abstract PtxRegister Value(int row, int tile, int element, PtxRegister keyPart, bool areKeysThere);
}
