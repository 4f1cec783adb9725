// Loads, stores, asynchronous copies, barriers and matrix instructions: everything with vector or address operands.
using System.Globalization;

namespace BinaryAttention.Cuda.Ptx;

internal sealed partial class PtxEmitter
{
    /// <summary>Loads one number.</summary>
    /// <param name="space">global, global.nc or shared.</param>
    /// <param name="type">b16, u8, u16, b32, b64, f32 or f64; u8 and u16 fill a 32-bit register.</param>
    /// <param name="address">64 bits for global, 32 for shared.</param>
    /// <param name="offset">Bytes added to the address.</param>
    public PtxRegister Load(string space, string type, PtxRegister address, int offset = 0)
    {
        PtxRegister result = New(ClassOfType(type));
        LoadInto([result], space, type, address, offset);
        return result;
    }

    /// <summary>Loads one, two or four adjacent numbers.</summary>
    public void LoadInto(ReadOnlySpan<PtxRegister> results, string space, string type, PtxRegister address, int offset = 0)
    {
        string mnemonic = $"ld.{space}{Vector(results.Length)}.{type}";
        foreach (PtxRegister result in results)
        {
            CheckClass(mnemonic, "result", ClassOfType(type), result);
        }

        string text = Address(mnemonic, space, address, offset);
        foreach (PtxRegister result in results)
        {
            MarkWritten(result, mnemonic);
        }

        Line(mnemonic, [Group(results), text]);
    }

    /// <summary>Stores one, two or four adjacent numbers.</summary>
    public void Store(string space, string type, PtxRegister address, int offset, params ReadOnlySpan<PtxRegister> values)
    {
        string mnemonic = $"st.{space}{Vector(values.Length)}.{type}";
        foreach (PtxRegister value in values)
        {
            CheckClass(mnemonic, "value", ClassOfType(type), value);
            MarkRead(mnemonic, value);
        }

        Line(mnemonic, [Address(mnemonic, space, address, offset), Group(values)]);
    }

    /// <summary>Starts to copy 16 bytes from global to shared memory; both addresses aligned to 16.</summary>
    public void CopyAsync(PtxRegister shared, int sharedOffset, PtxRegister global, int globalOffset)
    {
        const string Mnemonic = "cp.async.cg.shared.global";
        Line(Mnemonic, [Address(Mnemonic, "shared", shared, sharedOffset), Address(Mnemonic, "global", global, globalOffset), "16"]);
    }

    /// <summary>Ends the group of copies started since the last one.</summary>
    public void CommitCopies() => Statement("cp.async.commit_group");

    /// <summary>Waits until at most so many of the thread's groups are unfinished.</summary>
    public void WaitCopies(int unfinished) => Line("cp.async.wait_group", [unfinished.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>All threads of the block meet.</summary>
    public void Barrier() => Line("bar.sync", ["0"]);

    public void Return() => Statement("ret");

    /// <summary>d += popcount(a and b), one bit each: 16 x 8 x 256 with four and two registers, 16 x 8 x 128 with two and one.</summary>
    public void MultiplyBits(ReadOnlySpan<PtxRegister> d, ReadOnlySpan<PtxRegister> a, ReadOnlySpan<PtxRegister> b, ReadOnlySpan<PtxRegister> c)
    {
        string mnemonic = a.Length == 4 ? "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc" : "mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc";
        Matrix(mnemonic, d, a, a.Length == 4 ? 4 : 2, b, a.Length == 4 ? 2 : 1, c);
    }

    /// <summary>d = c + popcount(a xor b), one bit each, 8 x 8 x 128: the one form that sm_75 has.</summary>
    public void MultiplyBitsXor(ReadOnlySpan<PtxRegister> d, PtxRegister a, PtxRegister b, ReadOnlySpan<PtxRegister> c) =>
        Matrix("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc", d, [a], 1, [b], 1, c, sums: 2);

    /// <summary>d = a b + c with 16 x 32 unsigned bytes and 32 x 8 signed bytes.</summary>
    public void MultiplyBytes(ReadOnlySpan<PtxRegister> d, ReadOnlySpan<PtxRegister> a, ReadOnlySpan<PtxRegister> b, ReadOnlySpan<PtxRegister> c) =>
        Matrix("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32", d, a, 4, b, 2, c);

    /// <summary>d = a b + c with 8 x 16 unsigned bytes and 16 x 8 signed bytes.</summary>
    public void MultiplyFewBytes(ReadOnlySpan<PtxRegister> d, PtxRegister a, PtxRegister b, ReadOnlySpan<PtxRegister> c) =>
        Matrix("mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32", d, [a], 1, [b], 1, c, sums: 2);

    /// <summary>d = a b + c with 16 x 32 and 32 x 8 signed bytes.</summary>
    public void MultiplySignedBytes(ReadOnlySpan<PtxRegister> d, ReadOnlySpan<PtxRegister> a, ReadOnlySpan<PtxRegister> b, ReadOnlySpan<PtxRegister> c) =>
        Matrix("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", d, a, 4, b, 2, c);

    /// <summary>Loads four 8 x 8 matrices of 16-bit elements; lane l gives the address of row l mod 8 of matrix l / 8.</summary>
    public void LoadMatrices(ReadOnlySpan<PtxRegister> results, PtxRegister address, int offset)
    {
        const string Mnemonic = "ldmatrix.sync.aligned.m8n8.x4.shared.b16";
        CheckAll(Mnemonic, "result", results, 4);
        string text = Address(Mnemonic, "shared", address, offset);
        foreach (PtxRegister result in results)
        {
            MarkWritten(result, Mnemonic);
        }

        Line(Mnemonic, [Braces(results), text]);
    }

    /// <summary>The value of another lane, its number's bits flipped by a mask.</summary>
    public PtxRegister ShuffleXor(PtxRegister value, int laneMask)
    {
        switch (value.Class)
        {
            case PtxClass.B32:
                return Op("shfl.sync.bfly.b32", value, laneMask, 31, WarpMask);
            case PtxClass.F32:
                return Op("mov.b32:float", ShuffleXor(Op("mov.b32:bits", value), laneMask));
            case PtxClass.F64:
                (PtxRegister low, PtxRegister high) = Split(value);
                return Join(ShuffleXor(low, laneMask), ShuffleXor(high, laneMask));
            default:
                throw Fault("shfl", $"moves {Describe(value)}; 32-bit, single and double registers can move");
        }
    }

    /// <summary>A double of one lane in all lanes.</summary>
    public PtxRegister Broadcast(PtxRegister value, int lane)
    {
        (PtxRegister low, PtxRegister high) = Split(value);
        return Join(Op("shfl.sync.idx.b32", low, lane, 31, WarpMask), Op("shfl.sync.idx.b32", high, lane, 31, WarpMask));
    }

    /// <summary>One bit per lane.</summary>
    public PtxRegister Ballot(PtxRegister predicate) => Op("vote.sync.ballot.b32", predicate, WarpMask);

    /// <summary>Lower and upper half of a double.</summary>
    public (PtxRegister Low, PtxRegister High) Split(PtxRegister value)
    {
        CheckClass("mov.b64", "source", PtxClass.F64, value);
        MarkRead("mov.b64", value);
        PtxRegister low = New(PtxClass.B32);
        PtxRegister high = New(PtxClass.B32);
        MarkWritten(low, "mov.b64");
        MarkWritten(high, "mov.b64");
        Line("mov.b64", [$"{{{low}, {high}}}", value.ToString()]);
        return (low, high);
    }

    /// <summary>A double from its halves.</summary>
    public PtxRegister Join(PtxRegister low, PtxRegister high)
    {
        CheckAll("mov.b64", "source", [low, high], 2);
        MarkRead("mov.b64", low);
        MarkRead("mov.b64", high);
        PtxRegister result = New(PtxClass.F64);
        MarkWritten(result, "mov.b64");
        Line("mov.b64", [result.ToString(), $"{{{low}, {high}}}"]);
        return result;
    }

    private static string Vector(int count) => count switch
    {
        1 => string.Empty,
        2 => ".v2",
        4 => ".v4",
        _ => throw new ArgumentOutOfRangeException(nameof(count), count, "A memory access moves 1, 2 or 4 numbers."),
    };

    private static string Group(ReadOnlySpan<PtxRegister> registers) => registers.Length == 1 ? registers[0].ToString() : Braces(registers);

    private static string Braces(ReadOnlySpan<PtxRegister> registers) => "{" + string.Join(", ", registers.ToArray()) + "}";

    private PtxClass ClassOfType(string type) => type switch
    {
        "b16" => PtxClass.B16,
        "u8" or "u16" or "b32" => PtxClass.B32,
        "b64" => PtxClass.B64,
        "f32" => PtxClass.F32,
        "f64" => PtxClass.F64,
        _ => throw Fault("memory access", $"has type {type}; b16, u8, u16, b32, b64, f32 and f64 are known"),
    };

    private void Statement(string mnemonic)
    {
        Count(mnemonic);
        _body.Append("    ").Append(_guard).Append(mnemonic).Append(";\n");
    }

    private string Address(string mnemonic, string space, PtxRegister address, int offset)
    {
        CheckClass(mnemonic, "address", space.StartsWith("shared", StringComparison.Ordinal) ? PtxClass.B32 : PtxClass.B64, address);
        MarkRead(mnemonic, address);
        return offset == 0 ? $"[{address}]" : string.Create(CultureInfo.InvariantCulture, $"[{address}+{offset}]");
    }

    private void Matrix(string mnemonic, ReadOnlySpan<PtxRegister> d, ReadOnlySpan<PtxRegister> a, int registersOfA, ReadOnlySpan<PtxRegister> b, int registersOfB, ReadOnlySpan<PtxRegister> c, int sums = 4)
    {
        CheckAll(mnemonic, "d", d, sums);
        CheckAll(mnemonic, "a", a, registersOfA);
        CheckAll(mnemonic, "b", b, registersOfB);
        CheckAll(mnemonic, "c", c, sums);
        foreach (PtxRegister source in (ReadOnlySpan<PtxRegister>)[.. a, .. b, .. c])
        {
            MarkRead(mnemonic, source);
        }

        foreach (PtxRegister result in d)
        {
            MarkWritten(result, mnemonic);
        }

        Line(mnemonic, [Braces(d), Braces(a), Braces(b), Braces(c)]);
    }

    private void CheckAll(string mnemonic, string role, ReadOnlySpan<PtxRegister> registers, int count)
    {
        if (registers.Length != count)
        {
            throw Fault(mnemonic, string.Create(CultureInfo.InvariantCulture, $"{role} has {registers.Length} registers; it takes {count}"));
        }

        foreach (PtxRegister register in registers)
        {
            CheckClass(mnemonic, role, PtxClass.B32, register);
        }
    }
}
