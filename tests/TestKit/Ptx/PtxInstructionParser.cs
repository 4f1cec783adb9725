// One instruction: guard, mnemonic, operands, and what it does. Lane-wise arithmetic comes from PtxOperations; memory, copies, shuffles, matrices and control are here and in
// PtxInstructionParser.Warp.cs.
using System.Globalization;
using System.Text.RegularExpressions;

namespace TestKit.Ptx;

internal sealed partial class PtxInstructionParser(
    PtxRegisters registers, IReadOnlyDictionary<string, int> labels, IReadOnlyDictionary<string, int> parameters, IReadOnlyDictionary<string, int> sharedArrays, int staticSharedBytes, int target)
{
    private string _text = string.Empty;
    private int _line;

    public PtxInstruction Parse(string text, int line)
    {
        _text = text;
        _line = line;
        Match match = Statement().Match(text);
        if (!match.Success)
        {
            throw Fault("is no instruction");
        }

        string mnemonic = match.Groups["mnemonic"].Value;
        RequireTarget(mnemonic);
        List<string> operands = Split(match.Groups["operands"].Value);
        (PtxInstructionClass instructionClass, bool needsAllLanes, Action<PtxWarp, uint, PtxInstruction> execute) = Decode(mnemonic, operands);
        string guard = match.Groups["guard"].Value;
        return new PtxInstruction
        {
            Line = line,
            Text = text,
            Class = instructionClass,
            Guard = guard.Length == 0 ? -1 : Register(guard, 'p'),
            IsGuardNegated = match.Groups["not"].Success,
            NeedsAllLanes = needsAllLanes,
            Execute = execute,
            NameOf = registers.NameOf,
        };
    }

    // What sm_75 has not (PTX ISA, "Target ISA Notes" of each instruction).
    private void RequireTarget(string mnemonic)
    {
        bool isLater = mnemonic.StartsWith("cp.async", StringComparison.Ordinal) || mnemonic.StartsWith("mma.sync.aligned.m16", StringComparison.Ordinal) || mnemonic.EndsWith(".bf16.f32", StringComparison.Ordinal);
        if (isLater && target < 80)
        {
            throw Fault($"{mnemonic} needs sm_80; the text is for sm_{target}");
        }
    }

    private static List<string> Split(string operands)
    {
        var parts = new List<string>();
        int depth = 0;
        int start = 0;
        for (int i = 0; i <= operands.Length; i++)
        {
            char c = i < operands.Length ? operands[i] : ',';
            depth += c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
            if (c == ',' && depth == 0)
            {
                parts.Add(operands[start..i].Trim());
                start = i + 1;
            }
        }

        return parts is [""] ? [] : parts;
    }

    private (PtxInstructionClass Class, bool NeedsAllLanes, Action<PtxWarp, uint, PtxInstruction> Execute) Decode(string mnemonic, List<string> operands)
    {
        if (PtxOperations.Find(mnemonic) is { } operation)
        {
            return (operation.Class, false, LaneWise(operation, operands));
        }

        if (mnemonic is "mov.b32" or "mov.b64" or "mov.u32" or "mov.u64")
        {
            return (PtxInstructionClass.Move, false, Move(mnemonic, operands));
        }

        if (Memory().Match(mnemonic) is { Success: true } memory)
        {
            return DecodeMemory(memory, operands);
        }

        return DecodeWarp(mnemonic, operands);
    }

    private Action<PtxWarp, uint, PtxInstruction> LaneWise(PtxOperation operation, List<string> operands)
    {
        Count(operands, operation.Signature.Length);
        int result = Register(operands[0], operation.Signature[0]);
        var sources = new (int Slot, ulong Immediate)[operands.Count - 1];
        for (int i = 0; i < sources.Length; i++)
        {
            sources[i] = Source(operands[i + 1], operation.Signature[i + 1]);
        }

        (int Slot, ulong Immediate) a = sources[0];
        (int Slot, ulong Immediate) b = sources.Length > 1 ? sources[1] : (-1, 0);
        (int Slot, ulong Immediate) c = sources.Length > 2 ? sources[2] : (-1, 0);
        Func<ulong, ulong, ulong, ulong> compute = operation.Compute;
        return (warp, lanes, instruction) =>
        {
            Require(warp, a.Slot, lanes, instruction);
            Require(warp, b.Slot, lanes, instruction);
            Require(warp, c.Slot, lanes, instruction);
            for (int lane = 0; lane < 32; lane++)
            {
                if ((lanes >> lane & 1) != 0)
                {
                    warp.Set(result, lane, compute(Value(warp, a, lane), Value(warp, b, lane), Value(warp, c, lane)));
                }
            }
        };
    }

    // mov: within a class, between a class and bits of the same size, from a special register or a shared array, or between a double and its halves.
    private Action<PtxWarp, uint, PtxInstruction> Move(string mnemonic, List<string> operands)
    {
        Count(operands, 2);
        if (mnemonic == "mov.u64")
        {
            int clock = Register(operands[0], 'd');
            return operands[1] == "%clock64" ? (warp, lanes, _) => ForEach(lanes, lane => warp.Set(clock, lane, (ulong)warp.Clock)) : throw Fault($"reads {operands[1]}, which is no known 64-bit special register");
        }

        if (mnemonic == "mov.u32")
        {
            int special = Register(operands[0], 'r');
            Func<PtxWarp, int, uint> value = Special(operands[1]);
            return (warp, lanes, _) => ForEach(lanes, lane => warp.Set(special, lane, value(warp, lane)));
        }

        if (operands[0].StartsWith('{'))
        {
            int[] halves = Group(operands[0], 'r', 2);
            (int Slot, ulong Immediate) whole = Source(operands[1], "gd");
            return (warp, lanes, instruction) =>
            {
                Require(warp, whole.Slot, lanes, instruction);
                ForEach(lanes, lane =>
                {
                    ulong bits = Value(warp, whole, lane);
                    warp.Set(halves[0], lane, (uint)bits);
                    warp.Set(halves[1], lane, bits >> 32);
                });
            };
        }

        string classes = mnemonic == "mov.b32" ? "rf" : "dg";
        int result = Register(operands[0], classes);
        if (operands[1].StartsWith('{'))
        {
            int[] halves = Group(operands[1], 'r', 2);
            return (warp, lanes, instruction) =>
            {
                Require(warp, halves[0], lanes, instruction);
                Require(warp, halves[1], lanes, instruction);
                ForEach(lanes, lane => warp.Set(result, lane, (uint)warp[halves[0], lane] | (warp[halves[1], lane] << 32)));
            };
        }

        (int Slot, ulong Immediate) source = Source(operands[1], classes);
        return (warp, lanes, instruction) =>
        {
            Require(warp, source.Slot, lanes, instruction);
            ForEach(lanes, lane => warp.Set(result, lane, Value(warp, source, lane)));
        };
    }

    private Func<PtxWarp, int, uint> Special(string name)
    {
        if (sharedArrays.TryGetValue(name, out int offset))
        {
            return (_, _) => (uint)offset;
        }

        return name switch
        {
            "%tid.x" => static (warp, lane) => (uint)warp.Thread(lane),
            "%ctaid.x" => static (warp, _) => warp.Block.X,
            "%ctaid.y" => static (warp, _) => warp.Block.Y,
            "%ctaid.z" => static (warp, _) => warp.Block.Z,
            "dynamic_shared" => (_, _) => (uint)staticSharedBytes,
            _ => throw Fault($"reads {name}, which is neither a known special register nor a shared array"),
        };
    }

    private int Register(string name, string classes)
    {
        (char Class, int Slot) register = registers.Find(name) ?? throw Fault($"names {name}, which is not declared");
        return classes.Contains(register.Class, StringComparison.Ordinal) ? register.Slot : throw Fault($"{name} has the wrong class; expected one of '{classes}'");
    }

    private int Register(string name, char registerClass) => Register(name, registerClass.ToString());

    private (int Slot, ulong Immediate) Source(string text, char registerClass) => Source(text, registerClass.ToString());

    private (int Slot, ulong Immediate) Source(string text, string classes)
    {
        if (text.StartsWith('%'))
        {
            return (Register(text, classes), 0);
        }

        char registerClass = classes[0];
        if (text.StartsWith("0f", StringComparison.Ordinal) && registerClass == 'f')
        {
            return (-1, uint.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        }

        if (text.StartsWith("0d", StringComparison.Ordinal) && registerClass == 'g')
        {
            return (-1, ulong.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        }

        return registerClass is 'r' or 'd' ? (-1, (ulong)Integer(text)) : throw Fault($"{text} is no operand of class '{classes}'");
    }

    private long Integer(string text)
    {
        bool isHex = text.StartsWith("0x", StringComparison.Ordinal);
        return long.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Fault($"{text} is no integer");
    }

    private int[] Group(string text, char registerClass, int count)
    {
        string[] names = text.Trim('{', '}').Split(',', StringSplitOptions.TrimEntries);
        return names.Length == count && text.StartsWith('{') && text.EndsWith('}')
            ? Array.ConvertAll(names, name => Register(name, registerClass))
            : throw Fault($"{text} is no group of {count} registers");
    }

    private void Count(List<string> operands, int count)
    {
        if (operands.Count != count)
        {
            throw Fault($"has {operands.Count} operands; expected {count}");
        }
    }

    private static void Require(PtxWarp warp, int slot, uint lanes, PtxInstruction instruction)
    {
        if (slot >= 0)
        {
            warp.RequireValue(slot, lanes, instruction);
        }
    }

    private static ulong Value(PtxWarp warp, (int Slot, ulong Immediate) source, int lane) => source.Slot >= 0 ? warp[source.Slot, lane] : source.Immediate;

    private static void ForEach(uint lanes, Action<int> action)
    {
        for (int lane = 0; lane < 32; lane++)
        {
            if ((lanes >> lane & 1) != 0)
            {
                action(lane);
            }
        }
    }

    private PtxFaultException Fault(string what) => new($"line {_line} ({_text}): {what}.");

    [GeneratedRegex(@"^(@(?<not>!)?(?<guard>%p[0-9]+) )?(?<mnemonic>[a-z][a-z0-9_.]*)( (?<operands>.+))?;$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Statement();

    [GeneratedRegex(@"^(?<operation>ld|st)\.(?<space>param|global|global\.nc|shared)(?<vector>\.v2|\.v4)?\.(?<type>b16|u8|u16|b32|b64|f32|f64|u32|s32|u64)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Memory();
}
