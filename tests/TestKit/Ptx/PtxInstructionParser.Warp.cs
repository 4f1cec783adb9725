// Memory, asynchronous copies, exchange between lanes, matrix products, control.
using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;

namespace TestKit.Ptx;

internal sealed partial class PtxInstructionParser
{
    private (PtxInstructionClass Class, bool NeedsAllLanes, Action<PtxWarp, uint, PtxInstruction> Execute) DecodeMemory(Match match, List<string> operands)
    {
        Count(operands, 2);
        bool isLoad = match.Groups["operation"].Value == "ld";
        string space = match.Groups["space"].Value;
        int vector = match.Groups["vector"].Value switch { ".v2" => 2, ".v4" => 4, _ => 1 };
        (char registerClass, int bytes) = match.Groups["type"].Value switch
        {
            "b16" => ('h', 2),
            "u8" => ('r', 1),
            "u16" => ('r', 2),
            "b32" or "u32" or "s32" => ('r', 4),
            "b64" or "u64" => ('d', 8),
            "f32" => ('f', 4),
            _ => ('g', 8),
        };
        string data = operands[isLoad ? 0 : 1];
        int[] values = vector == 1 ? [Register(data, registerClass)] : Group(data, registerClass, vector);
        string place = operands[isLoad ? 1 : 0];
        if (space == "param")
        {
            int parameter = parameters.TryGetValue(place.Trim('[', ']'), out int index) && isLoad && vector == 1 ? index : throw Fault($"{place} is no parameter");
            return (PtxInstructionClass.ParameterLoad, false, (warp, lanes, _) => ForEach(lanes, lane => warp.Set(values[0], lane, warp.Parameters[parameter])));
        }

        if (!isLoad && space == "global.nc")
        {
            throw Fault("stores through the read-only path");
        }

        bool isShared = space == "shared";
        (int address, int offset) = Address(place, isShared ? 'r' : 'd');
        int size = bytes * vector;
        PtxInstructionClass instructionClass = (isLoad, isShared) switch
        {
            (true, true) => PtxInstructionClass.SharedLoad,
            (true, false) => PtxInstructionClass.GlobalLoad,
            (false, true) => PtxInstructionClass.SharedStore,
            _ => PtxInstructionClass.GlobalStore,
        };
        if (isLoad)
        {
            void Load(PtxWarp warp, uint lanes, PtxInstruction instruction)
            {
                warp.RequireValue(address, lanes, instruction);
                ForEach(lanes, lane =>
                {
                    ulong at = warp[address, lane] + (ulong)offset;
                    ReadOnlySpan<byte> source = isShared ? warp.Shared.Read((uint)at, size, warp.Thread(lane), instruction.Where) : warp.Global.Read(at, size, warp.GlobalThread(lane), instruction.Where);
                    for (int i = 0; i < vector; i++)
                    {
                        warp.Set(values[i], lane, Bits(source.Slice(i * bytes, bytes)));
                    }
                });
            }

            return (instructionClass, false, Load);
        }

        void Store(PtxWarp warp, uint lanes, PtxInstruction instruction)
        {
            warp.RequireValue(address, lanes, instruction);
            foreach (int value in values)
            {
                warp.RequireValue(value, lanes, instruction);
            }

            ForEach(lanes, lane =>
            {
                Span<byte> content = stackalloc byte[size];
                Span<byte> word = stackalloc byte[8];
                for (int i = 0; i < vector; i++)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(word, warp[values[i], lane]);
                    word[..bytes].CopyTo(content[(i * bytes)..]);
                }

                ulong at = warp[address, lane] + (ulong)offset;
                if (isShared)
                {
                    warp.Shared.Write((uint)at, content, warp.Thread(lane), instruction.Where);
                }
                else
                {
                    content.CopyTo(warp.Global.Write(at, size, warp.GlobalThread(lane), instruction.Where));
                }
            });
        }

        return (instructionClass, false, Store);
    }

    private (PtxInstructionClass Class, bool NeedsAllLanes, Action<PtxWarp, uint, PtxInstruction> Execute) DecodeWarp(string mnemonic, List<string> operands)
    {
        switch (mnemonic)
        {
            case "cp.async.cg.shared.global":
                return (PtxInstructionClass.AsyncCopy, false, Copy(operands));
            case "cp.async.commit_group":
                Count(operands, 0);
                return (PtxInstructionClass.AsyncCopy, true, static (warp, _, _) => warp.CommitCopies());
            case "cp.async.wait_group":
                Count(operands, 1);
                int unfinished = (int)Integer(operands[0]);
                return (PtxInstructionClass.AsyncCopy, true, (warp, _, _) => warp.WaitCopies(unfinished));
            case "bar.sync":
                Count(operands, 1);
                return operands[0] == "0" ? (PtxInstructionClass.Barrier, true, static (warp, _, _) => warp.IsAtBarrier = true) : throw Fault("uses a barrier other than 0");
            case "bra.uni":
                Count(operands, 1);
                int target = labels.TryGetValue(operands[0], out int place) ? place : throw Fault($"branches to {operands[0]}, which is placed nowhere");
                return (PtxInstructionClass.Branch, true, (warp, _, _) => warp.Position = target);
            case "ret":
                Count(operands, 0);
                return (PtxInstructionClass.Branch, true, static (warp, _, instruction) => warp.End(instruction));
            case "shfl.sync.bfly.b32":
                return (PtxInstructionClass.Shuffle, true, Shuffle(operands, static (lane, operand) => lane ^ operand));
            case "shfl.sync.idx.b32":
                return (PtxInstructionClass.Shuffle, true, Shuffle(operands, static (_, operand) => operand));
            case "vote.sync.ballot.b32":
                return (PtxInstructionClass.Shuffle, true, Ballot(operands));
            case "ldmatrix.sync.aligned.m8n8.x4.shared.b16":
                return (PtxInstructionClass.MatrixLoad, true, LoadMatrices(operands));
            case "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc":
                return (PtxInstructionClass.BitProduct, true, Product(operands, MatrixFragments.WideLeft, MatrixFragments.WideRight, PtxProducts.AndPopulation));
            case "mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc":
                return (PtxInstructionClass.BitProduct, true, Product(operands, MatrixFragments.NarrowLeft, MatrixFragments.NarrowRight, PtxProducts.AndPopulation));
            case "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32":
                return (PtxInstructionClass.ByteProduct, true, Product(operands, MatrixFragments.WideLeft, MatrixFragments.WideRight, PtxProducts.UnsignedBySigned));
            case "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32":
                return (PtxInstructionClass.ByteProduct, true, Product(operands, MatrixFragments.WideLeft, MatrixFragments.WideRight, PtxProducts.SignedBySigned));
            case "mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32":
                return (PtxInstructionClass.ByteProduct, true, Product(operands, MatrixFragments.SquareLeft, MatrixFragments.NarrowRight, PtxProducts.UnsignedBySigned));
            case "mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc":
                return (PtxInstructionClass.BitProduct, true, Product(operands, MatrixFragments.SquareLeft, MatrixFragments.NarrowRight, PtxProducts.XorPopulation));
            default:
                throw Fault($"{mnemonic} is no known instruction");
        }
    }

    private (int Slot, int Offset) Address(string text, char registerClass)
    {
        Match match = AddressText().Match(text);
        return match.Success
            ? (Register(match.Groups["a"].Value, registerClass), match.Groups["b"].Success ? int.Parse(match.Groups["b"].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0)
            : throw Fault($"{text} is no address");
    }

    private Action<PtxWarp, uint, PtxInstruction> Copy(List<string> operands)
    {
        Count(operands, 3);
        (int shared, int sharedOffset) = Address(operands[0], 'r');
        (int global, int globalOffset) = Address(operands[1], 'd');
        int bytes = (int)Integer(operands[2]);
        if (bytes != 16)
        {
            throw Fault($"copies {bytes} bytes; .cg takes 16");
        }

        return (warp, lanes, instruction) =>
        {
            warp.RequireValue(shared, lanes, instruction);
            warp.RequireValue(global, lanes, instruction);
            ForEach(lanes, lane => warp.StartCopy(lane, (uint)warp[shared, lane] + (uint)sharedOffset, warp[global, lane] + (ulong)globalOffset, bytes, instruction.Where));
        };
    }

    private Action<PtxWarp, uint, PtxInstruction> Shuffle(List<string> operands, Func<int, int, int> sourceLane)
    {
        Count(operands, 5);
        int result = Register(operands[0], 'r');
        int source = Register(operands[1], 'r');
        int operand = (int)Integer(operands[2]);
        if (Integer(operands[3]) != 31 || (uint)Integer(operands[4]) != PtxWarp.AllLanes || operand is < 0 or > 31)
        {
            throw Fault("expected a lane operand in 0..31, clamp 31 and a mask of all lanes");
        }

        return (warp, lanes, instruction) =>
        {
            warp.RequireValue(source, lanes, instruction);
            Span<ulong> values = stackalloc ulong[32];
            for (int lane = 0; lane < 32; lane++)
            {
                values[lane] = warp[source, sourceLane(lane, operand)];
            }

            for (int lane = 0; lane < 32; lane++)
            {
                warp.Set(result, lane, values[lane]);
            }
        };
    }

    private Action<PtxWarp, uint, PtxInstruction> Ballot(List<string> operands)
    {
        Count(operands, 3);
        int result = Register(operands[0], 'r');
        int predicate = Register(operands[1], 'p');
        if ((uint)Integer(operands[2]) != PtxWarp.AllLanes)
        {
            throw Fault("expected a mask of all lanes");
        }

        return (warp, lanes, instruction) =>
        {
            warp.RequireValue(predicate, lanes, instruction);
            uint votes = 0;
            ForEach(lanes, lane => votes |= (uint)(warp[predicate, lane] & 1) << lane);
            ForEach(lanes, lane => warp.Set(result, lane, votes));
        };
    }

    private Action<PtxWarp, uint, PtxInstruction> LoadMatrices(List<string> operands)
    {
        Count(operands, 2);
        int[] results = Group(operands[0], 'r', 4);
        (int address, int offset) = Address(operands[1], 'r');
        return (warp, lanes, instruction) =>
        {
            warp.RequireValue(address, lanes, instruction);
            for (int matrix = 0; matrix < 4; matrix++)
            {
                for (int row = 0; row < 8; row++)
                {
                    uint rowAddress = (uint)warp[address, (8 * matrix) + row] + (uint)offset;
                    for (int word = 0; word < 4; word++)
                    {
                        // The 16 bytes of a row go to four lanes; each counts as the reader of its word.
                        int lane = MatrixFragments.MatrixRow[row, word].Lane;
                        if (word == 0 && rowAddress % 16 != 0)
                        {
                            throw new PtxFaultException($"{instruction.Where}: row address {rowAddress} is not aligned to 16.");
                        }

                        warp.Set(results[matrix], lane, Bits(warp.Shared.Read(rowAddress + (uint)(4 * word), 4, warp.Thread(lane), instruction.Where)));
                    }
                }
            }
        };
    }

    private Action<PtxWarp, uint, PtxInstruction> Product(List<string> operands, (int Lane, int Register)[,] leftTable, (int Lane, int Register)[,] rightTable, Func<uint, uint, int> multiply)
    {
        Count(operands, 4);
        int words = leftTable.GetLength(1);
        int rows = leftTable.GetLength(0);
        int[] results = Group(operands[0], 'r', rows / 4);
        int[] left = Group(operands[1], 'r', rows * words / 32);
        int[] right = Group(operands[2], 'r', words / 4);
        int[] sums = Group(operands[3], 'r', rows / 4);
        return (warp, lanes, instruction) =>
        {
            foreach (int register in (ReadOnlySpan<int>)[.. left, .. right, .. sums])
            {
                warp.RequireValue(register, lanes, instruction);
            }

            PtxProducts.Run(warp, results, left, right, sums, leftTable, rightTable, multiply);
        };
    }

    private static ulong Bits(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    [GeneratedRegex(@"^\[(?<a>%[a-z]+[0-9]+)(\+(?<b>-?[0-9]+))?\]$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AddressText();
}
