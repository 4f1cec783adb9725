namespace BinaryAttention.Models.LinearAlgebra;

/// <summary>What happens to a tile of a product before it leaves the first-level cache.</summary>
internal enum MatrixEpilogue
{
    /// <summary><c>y = x W^T + b</c>.</summary>
    None = 0,

    /// <summary><c>y += x W^T + b</c>: a residual connection.</summary>
    Add = 1,

    /// <summary><c>y = gelu(x W^T + b)</c>.</summary>
    Gelu = 2,
}
