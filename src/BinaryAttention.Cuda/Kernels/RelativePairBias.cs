// A relative-position bias, gathered from the head's table: entry (y_i - y_j + h - 1)(2 w - 1) + (x_i - x_j + w - 1) of a pair of grid tokens i, j is a part of the row's token less a part of
// the key's, y (2 w - 1) + x, which comes with the key's weight. So an address is one multiply-add: rowAddress + step keyPart, step = -4 bytes.
// With a class token (token 0) three entries follow the grid's: class to token, token to class, class to class. The class row has step 0; key 0 stands at one place of one lane's first tile.
using BinaryAttention.Cuda.Ptx;

namespace BinaryAttention.Cuda.Kernels;

internal sealed class RelativePairBias : PairBias
{
    private readonly PtxEmitter _ptx;
    private readonly bool _hasClassToken;
    private readonly PtxRegister[] _rows;
    private readonly PtxRegister[] _steps = [];
    private readonly PtxRegister[] _classKeys = [];
    private PtxRegister _laneKey;

    /// <summary>Declares the parameters (tables [heads|1, entries], entries from head to head, grid height and width) and finds the lane's rows.</summary>
    /// <param name="ptx">Receives the instructions.</param>
    /// <param name="block">Rows of the lane.</param>
    /// <param name="hasClassToken">Whether token 0 is a class token.</param>
    public RelativePairBias(PtxEmitter ptx, AttentionBlock block, bool hasClassToken)
    {
        (_ptx, _hasClassToken) = (ptx, hasClassToken);
        PtxRegister tables = ptx.GlobalPointer();
        PtxRegister headEntries = ptx.Parameter("u32");
        PtxRegister height = ptx.Parameter("u32");
        PtxRegister width = ptx.Parameter("u32");
        PtxRegister table = ptx.Op("add.s64", tables, ptx.Op("shl.b64", ptx.Op("mul.wide.u32", block.Head, headEntries), 2));
        PtxRegister rowEntries = ptx.Op("mad.lo.s32", width, 2, -1);

        // (h - 1)(2 w - 1) + w - 1, the entry of a token with itself.
        PtxRegister centre = ptx.Op("mad.lo.s32", ptx.Op("sub.s32", height, 1), rowEntries, ptx.Op("sub.s32", width, 1));
        PtxRegister classEntry = hasClassToken ? ptx.Op("mad.lo.s32", centre, 2, 1) : default;
        _rows = new PtxRegister[block.Rows.Length];
        if (hasClassToken)
        {
            _steps = new PtxRegister[_rows.Length];
            _classKeys = new PtxRegister[_rows.Length];
        }

        for (int i = 0; i < _rows.Length; i++)
        {
            PtxRegister token = ptx.Op("min.s32", block.Rows[i], block.LastRow);
            if (!hasClassToken)
            {
                _rows[i] = Entry(table, ptx.Op("add.s32", centre, GridPart(ptx, token, width, rowEntries)));
                continue;
            }

            PtxRegister isClass = ptx.Op("setp.eq.s32", token, 0);
            PtxRegister gridToken = ptx.Op("max.s32", ptx.Op("sub.s32", token, 1), 0);
            PtxRegister entry = ptx.Op("add.s32", centre, GridPart(ptx, gridToken, width, rowEntries));
            _rows[i] = Entry(table, ptx.Op("selp.b32", classEntry, entry, isClass));
            _steps[i] = ptx.Op("selp.b32", 0, -4, isClass);
            _classKeys[i] = Entry(table, ptx.Op("add.s32", classEntry, ptx.Op("selp.b32", 2, 1, isClass)));
        }
    }

    /// <summary>y (2 w - 1) + x of a grid token.</summary>
    public static PtxRegister GridPart(PtxEmitter ptx, PtxRegister gridToken, PtxRegister width, PtxRegister rowEntries)
    {
        PtxRegister y = ptx.Op("div.u32", gridToken, width);
        return ptx.Op("mad.lo.s32", y, rowEntries, ptx.Op("rem.u32", gridToken, width));
    }

    public override void BeginTile(PtxRegister laneKey)
    {
        _laneKey = laneKey;
        _ptx.Discard(laneKey);
    }

    // Keys beyond the operand have part 0: they read the row's own first entry, and their logit is masked.
    public override PtxRegister Value(int row, int tile, int element, PtxRegister keyPart, bool areKeysThere)
    {
        PtxRegister address = _hasClassToken
            ? _ptx.Op("mad.wide.s32", keyPart, _steps[row], _rows[row])
            : _ptx.Op("mad.wide.s32", keyPart, -4, _rows[row]);
        if (_hasClassToken && TileLayout.KeyOffset(tile, element) == 0)
        {
            address = _ptx.Op("selp.b64", _classKeys[row], address, _ptx.Op("setp.eq.s32", _laneKey, 0));
        }

        return _ptx.Load("global.nc", "f32", address);
    }

    private PtxRegister Entry(PtxRegister table, PtxRegister entry) => _ptx.Op("add.s64", table, _ptx.Op("mul.wide.u32", entry, 4));
}
