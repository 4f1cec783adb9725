// The order of the 64 keys of a block. Fixed-point log mode works on words, and bytes become words as even bytes and odd bytes; with keys interleaved (0, 32, 1, 33, ...) these are the first and
// the last 32 keys in their natural order, so that weights and biases need no shuffling.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal static unsafe class KeyOrder
{
    private const int Line = TileFrame.Line;
    private const int HalfKeys = KeyCodes.BlockKeys / 2;

    /// <summary>Index vectors for byte permutations of a block.</summary>
    public static Vector512<byte> Same { get; } = Vector512.CreateSequence<byte>(0, 1);

    /// <summary>Natural order to interleaved.</summary>
    public static Vector512<byte> ToInterleaved { get; } = Make(position => (position / 2) + (position % 2 * HalfKeys));

    /// <summary>Interleaved order to natural.</summary>
    public static Vector512<byte> ToNatural { get; } = Make(key => (key % HalfKeys * 2) + (key / HalfKeys));

    // A group of four keys 2g, 32 + 2g, 2g + 1, 33 + 2g out of the groups that hold 2g and 32 + 2g, for even and odd g.
    private static readonly Vector512<byte> s_evenGroup = Make(position => (position & ~3) + (position % 4 / 2) + (position % 2 * Line));
    private static readonly Vector512<byte> s_oddGroup = Make(position => (position & ~3) + 2 + (position % 4 / 2) + (position % 2 * Line));

    /// <summary>Interleaves key codes, <c>[block][plane][64]</c>, in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InterleaveCodes(byte* codes, long bytes)
    {
        Vector512<byte> order = ToInterleaved;
        for (long offset = 0; offset < bytes; offset += Line)
        {
            Avx512Vbmi.PermuteVar64x8(Vector512.Load(codes + offset), order).Store(codes + offset);
        }
    }

    /// <summary>Interleaves the keys of values, <c>[key group][channel][4]</c>, in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InterleaveValues(sbyte* values, int blocks, int vectors)
    {
        const int Groups = KeyCodes.BlockKeys / ValueProductEmitter.GroupKeys;
        byte* copy = stackalloc byte[Groups * Line];
        for (int block = 0; block < blocks; block++)
        {
            for (int vector = 0; vector < vectors; vector++)
            {
                byte* lines = (byte*)values + ((((long)block * Groups * vectors) + vector) * Line);
                for (int group = 0; group < Groups; group++)
                {
                    Vector512.Load(lines + ((long)group * vectors * Line)).Store(copy + (group * Line));
                }

                for (int group = 0; group < Groups; group++)
                {
                    Vector512<byte> low = Vector512.Load(copy + (group / 2 * Line));
                    Vector512<byte> high = Vector512.Load(copy + (((Groups / 2) + (group / 2)) * Line));
                    Avx512Vbmi.PermuteVar64x8x2(low, group % 2 == 0 ? s_evenGroup : s_oddGroup, high).Store(lines + ((long)group * vectors * Line));
                }
            }
        }
    }

    private static Vector512<byte> Make(Func<int, int> source)
    {
        Span<byte> indices = stackalloc byte[Line];
        for (int i = 0; i < Line; i++)
        {
            indices[i] = (byte)source(i);
        }

        return Vector512.Create<byte>(indices);
    }
}
