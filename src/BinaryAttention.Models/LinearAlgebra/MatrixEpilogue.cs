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

    /// <summary><c>y = max(x W^T + b, 0)</c>; a NaN stays one.</summary>
    Relu = 3,
}
