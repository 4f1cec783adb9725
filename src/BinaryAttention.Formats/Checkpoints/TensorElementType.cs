namespace BinaryAttention.Formats.Checkpoints;

/// <summary>How one element of a stored tensor is encoded. All types are little-endian in the files read and written here.</summary>
public enum TensorElementType
{
    /// <summary>One byte; zero is false, anything else true (safetensors <c>BOOL</c>).</summary>
    Boolean,

    /// <summary>Unsigned 8-bit integer (<c>U8</c>).</summary>
    Unsigned8,

    /// <summary>Signed 8-bit integer (<c>I8</c>).</summary>
    Signed8,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, bias 7, no infinities, NaN is 0x7F and 0xFF (<c>F8_E4M3</c>, the "fn" variant).</summary>
    Float8E4M3,

    /// <summary>8-bit float, 5 exponent and 2 mantissa bits, bias 15, with infinities (<c>F8_E5M2</c>): the upper byte of a float16.</summary>
    Float8E5M2,

    /// <summary>Signed 16-bit integer (<c>I16</c>).</summary>
    Signed16,

    /// <summary>Unsigned 16-bit integer (<c>U16</c>).</summary>
    Unsigned16,

    /// <summary>IEEE 754 binary16 (<c>F16</c>).</summary>
    Float16,

    /// <summary>The upper 16 bits of a float32 (<c>BF16</c>).</summary>
    BFloat16,

    /// <summary>Signed 32-bit integer (<c>I32</c>).</summary>
    Signed32,

    /// <summary>Unsigned 32-bit integer (<c>U32</c>).</summary>
    Unsigned32,

    /// <summary>IEEE 754 binary32 (<c>F32</c>).</summary>
    Float32,

    /// <summary>Signed 64-bit integer (<c>I64</c>).</summary>
    Signed64,

    /// <summary>Unsigned 64-bit integer (<c>U64</c>).</summary>
    Unsigned64,

    /// <summary>IEEE 754 binary64 (<c>F64</c>).</summary>
    Float64,
}
