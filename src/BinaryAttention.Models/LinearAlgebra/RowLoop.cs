// Hands blocks of rows to threads. Rows are computed on their own, so results have the same bits at any number of threads; each worker has a number, by which it finds scratch memory of its own.
using BinaryAttention.Threading;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed class RowLoop
{
    // Whole tiles of the product kernels, and enough of them that a panel of weights is read from the second-level cache or beyond only now and then.
    private const int TileRows = 6;
    private const int SmallestBlock = 24;

    private readonly Action<int, int> _piece;
    private Action<int, int, int>? _block;
    private int _rows;
    private int _blockRows;

    public RowLoop(int threads)
    {
        Tiles = threads == 1 ? new CallerLoop() : new SpinningTeam(threads);
        _piece = Piece;
    }

    /// <summary>The threads themselves, for work that is not by rows; one run at a time.</summary>
    public TileLoop Tiles { get; }

    public int Workers => Tiles.Workers;

    /// <summary>The threads that a caller's limit allows: one per processor if null.</summary>
    public static int Threads(int? maxDegreeOfParallelism) => maxDegreeOfParallelism switch
    {
        null => Environment.ProcessorCount,
        >= 1 => maxDegreeOfParallelism.Value,
        _ => throw new ArgumentOutOfRangeException(nameof(maxDegreeOfParallelism), maxDegreeOfParallelism, "Expected at least 1, or null for one thread per processor."),
    };

    /// <summary>Runs blocks of rows and returns when all are done; allocates nothing.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="largestBlock">Most rows of a block: what the caller's scratch memory holds.</param>
    /// <param name="block">Receives the first row, the number of rows and the worker.</param>
    /// <param name="cancellationToken">Checked before every block.</param>
    public void Run(int rows, int largestBlock, Action<int, int, int> block, CancellationToken cancellationToken)
    {
        (_block, _rows, _blockRows) = (block, rows, BlockRows(rows, largestBlock, Workers));
        cancellationToken.ThrowIfCancellationRequested();
        Tiles.Run((rows + _blockRows - 1) / _blockRows, _piece, cancellationToken);
        _block = null;
    }

    /// <summary>The block size that finishes first if all threads run at the same speed; the largest of equals.</summary>
    internal static int BlockRows(int rows, int largestBlock, int workers)
    {
        int largest = Math.Max(TileRows, largestBlock / TileRows * TileRows), best = largest;
        long shortest = long.MaxValue;
        for (int candidate = largest; candidate >= Math.Min(SmallestBlock, largest); candidate -= TileRows)
        {
            int blocks = (rows + candidate - 1) / candidate, turns = (blocks + workers - 1) / workers;

            // The busiest worker: all its blocks whole, unless the short last block is its own and nobody else has as many.
            long busiest = blocks % workers == 1 || workers == 1
                ? Math.Max((long)(turns - 1) * candidate, ((long)(turns - 1) * candidate) + rows - ((long)(blocks - 1) * candidate))
                : (long)turns * candidate;
            busiest = Math.Min(busiest, rows);
            if (busiest < shortest)
            {
                (shortest, best) = (busiest, candidate);
            }
        }

        return best;
    }

    private void Piece(int piece, int worker)
    {
        int first = piece * _blockRows;
        _block!(first, Math.Min(_blockRows, _rows - first), worker);
    }
}
