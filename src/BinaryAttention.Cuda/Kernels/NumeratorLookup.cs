// Numerator tables in shared memory, and the address of an entry: k = (rowMaximum - score) / unit, so one multiply-add per score from a base that holds the row's maximum.
// One table a head: every entry is stored once per lane (bank = lane), so that 32 different lookups never collide. One table a row: 16-bit entries, rows an odd number of words apart.
// A masked key reads a zero entry behind the tables.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class NumeratorLookup
{
    private readonly PtxEmitter _ptx;
    private readonly AttentionVariant _variant;
    private readonly PtxRegister[] _bases;
    private readonly PtxRegister _zeroEntry;

    /// <summary>Copies the tables; a barrier must follow before the first lookup of another warp's stores.</summary>
    public NumeratorLookup(PtxEmitter ptx, AttentionVariant variant, AttentionBlock block, PtxRegister tables, PtxRegister shared)
    {
        _ptx = ptx;
        _variant = variant;
        PtxRegister zero = ptx.Op("mov.b32", 0);
        if (variant.HasRowTables)
        {
            _zeroEntry = ptx.Op("add.s32", shared, variant.ZeroEntryOffset);
            CopyRowTables(block, tables, shared);
            PtxRegister laneRow = ptx.Op("mad.lo.s32", block.Warp, variant.RowsPerWarp, block.Group);
            PtxRegister laneTable = ptx.Op("mad.lo.s32", laneRow, variant.RowTableBytes, shared);
            _bases = Enumerable.Range(0, block.Rows.Length).Select(i => ptx.Op("add.s32", laneTable, 8 * i * variant.RowTableBytes)).ToArray();
            ptx.When(ptx.Op("setp.eq.s32", block.Thread, 0), () => ptx.Store("shared", "b32", _zeroEntry, 0, zero));
        }
        else
        {
            PtxRegister lane = ptx.Op("mad.lo.s32", block.Lane, 4, shared);
            _zeroEntry = ptx.Op("add.s32", lane, variant.ZeroEntryOffset);
            CopyHeadTable(block, tables, lane);
            _bases = block.Rows.Select(_ => ptx.Op("mov.b32", lane)).ToArray();
            ptx.When(ptx.Op("setp.eq.s32", block.Warp, 0), () => ptx.Store("shared", "b32", _zeroEntry, 0, zero));
        }
    }

    // Bytes from an entry to the next, over what one agreement adds to a score.
    private int ScoreBytes => (_variant.HasRowTables ? 2 : 128) / _variant.ScoreUnit;

    /// <summary>Moves a row's base to its maximum.</summary>
    public void SetMaximum(int row, PtxRegister maximum) => _ptx.Into(_bases[row], "mad.lo.s32", maximum, ScoreBytes, _bases[row]);

    /// <summary>P in the low byte, R in the next.</summary>
    /// <param name="row">Row of the lane.</param>
    /// <param name="score">Score of a pair.</param>
    /// <param name="isAllowed">False for a masked pair; null if none is masked.</param>
    public PtxRegister Entry(int row, PtxRegister score, PtxRegister? isAllowed)
    {
        PtxRegister address = _ptx.Op("mad.lo.s32", score, -ScoreBytes, _bases[row]);
        if (isAllowed is { } allowed)
        {
            address = _ptx.Op("selp.b32", address, _zeroEntry, allowed);
        }

        return _ptx.Load("shared", _variant.HasRowTables ? "u16" : "b32", address);
    }

    private void CopyHeadTable(AttentionBlock block, PtxRegister tables, PtxRegister lane)
    {
        int entries = _variant.Layout.HeadDimension + 1;
        PtxRegister table = _ptx.Op("add.s64", tables, _ptx.Op("mul.wide.u32", block.HeadIndex, _variant.Layout.TableEntries * 2));
        PtxRegister source = _ptx.Op("add.s64", table, _ptx.Op("mul.wide.u32", block.Warp, 2));
        PtxRegister target = _ptx.Op("mad.lo.s32", block.Warp, 128, lane);
        int rounds = (entries + AttentionVariant.Warps - 1) / AttentionVariant.Warps;
        int inLastRound = entries - ((rounds - 1) * AttentionVariant.Warps);
        PtxRegister isInLast = _ptx.Op("setp.lt.s32", block.Warp, inLastRound);
        for (int round = 0; round < rounds; round++)
        {
            int current = round;
            void Copy()
            {
                PtxRegister entry = _ptx.Load("global.nc", "u16", source, current * AttentionVariant.Warps * 2);
                _ptx.Store("shared", "b32", target, current * AttentionVariant.Warps * 128, entry);
            }

            if (round == rounds - 1)
            {
                _ptx.When(isInLast, Copy);
            }
            else
            {
                Copy();
            }
        }
    }

    // Every warp copies its own rows' tables, a word a lane.
    private void CopyRowTables(AttentionBlock block, PtxRegister tables, PtxRegister shared)
    {
        int words = _variant.Layout.TableEntries / 2;
        PtxRegister headRow = _ptx.Op("mul.wide.u32", block.HeadIndex, block.QueryLength);
        PtxRegister firstTarget = _ptx.Op("mad.lo.s32", _ptx.Op("mul.lo.s32", block.Warp, _variant.RowsPerWarp), _variant.RowTableBytes, _ptx.Op("mad.lo.s32", block.Lane, 4, shared));
        PtxRegister laneBytes = _ptx.Op("mul.wide.u32", block.Lane, 4);
        PtxRegister isInLast = _ptx.Op("setp.lt.s32", block.Lane, ((words - 1) % 32) + 1);
        for (int row = 0; row < _variant.RowsPerWarp; row++)
        {
            PtxRegister index = _ptx.Op("min.s32", _ptx.Op("add.s32", block.WarpRow, row), block.LastRow);
            PtxRegister table = _ptx.Op("mul.lo.s64", _ptx.Op("add.s64", headRow, _ptx.Op("cvt.u64.u32", index)), _variant.Layout.TableEntries * 2);
            PtxRegister source = _ptx.Op("add.s64", _ptx.Op("add.s64", tables, table), laneBytes);
            int target = row * _variant.RowTableBytes;
            for (int word = 0; word < words; word += 32)
            {
                int offset = word * 4;
                void Copy() => _ptx.Store("shared", "b32", firstTarget, target + offset, _ptx.Load("global.nc", "b32", source, offset));
                if (word + 32 >= words)
                {
                    _ptx.When(isInLast, Copy);
                }
                else
                {
                    Copy();
                }
            }
        }
    }
}
