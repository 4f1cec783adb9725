// One of the two tiles that a worker has in flight: its frame, its distances, and what the epilogue needs to know about each row.
using BinaryAttention.Bits;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class TileSlot : IDisposable
{
    private readonly NativeBuffer _memory;
    private readonly double[] _tableSlopes;
    private readonly byte* _tailMask;

    public TileSlot(TileShape tile, TileFrame frame, int keyLength)
    {
        int blocks = KeyCodes.Blocks(keyLength);
        _memory = new NativeBuffer(frame.Bytes + ((long)blocks * tile.Rows * TileFrame.Line));
        Frame = _memory.Pointer;
        Distances = Frame + frame.Bytes;
        Slopes = new double[tile.Rows];
        Minima = new int[tile.Rows];
        _tableSlopes = new double[tile.Rows];
        Array.Fill(_tableSlopes, double.NaN);
        new Span<byte>(Frame + frame.Limit, TileFrame.Line).Fill(TileFrame.LastEntry);
        new Span<byte>(Frame + frame.Ones, TileFrame.Line).Fill(byte.MaxValue);
        _tailMask = Frame + frame.TailMask;
        SetTail(keyLength - ((blocks - 1) * KeyCodes.BlockKeys));
    }

    public byte* Frame { get; }

    /// <summary>Distances, later probabilities: <c>[block][row][64]</c>.</summary>
    public byte* Distances { get; }

    /// <summary>The rows' signed slopes: logit = slope * signDot.</summary>
    public double[] Slopes { get; }

    /// <summary>The rows' smallest distances; 255 for a row without an allowed key.</summary>
    public int[] Minima { get; }

    /// <summary>The slopes whose tables the frame holds, NaN for none.</summary>
    public Span<double> TableSlopes => _tableSlopes;

    /// <summary>Says how many keys the last block of the next run holds.</summary>
    public void SetTail(int lastKeys)
    {
        var mask = new Span<byte>(_tailMask, TileFrame.Line);
        mask[..lastKeys].Clear();
        mask[lastKeys..].Fill(byte.MaxValue);
    }

    public void Dispose() => _memory.Dispose();
}
