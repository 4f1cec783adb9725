using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

/// <summary>Emits the predicate of one pair.</summary>
/// <param name="row">Row of the lane.</param>
/// <param name="tile">Column tile.</param>
/// <param name="element">Element of it.</param>
internal delegate PtxRegister PairTest(int row, int tile, int element);
