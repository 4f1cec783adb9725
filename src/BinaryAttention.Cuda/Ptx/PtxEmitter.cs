// Writes one PTX entry. Every instruction is checked as it is written: known mnemonic, register classes, operand count; when the text is asked for: labels placed, registers written
// before (in text order) and results used. The text is a function of the calls alone, so that equal kernels are equal strings.
// Assumes straight code with structured loops: a register is written above its first use.
using System.Globalization;
using System.Text;

namespace BinaryAttention.Cuda.Ptx;

internal sealed partial class PtxEmitter
{
    private const int WarpMask = -1;
    private readonly string _entry;
    private readonly StringBuilder _body = new();
    private readonly List<string> _parameters = [];
    private readonly List<(string Name, int Bytes)> _sharedArrays = [];
    private readonly int[] _counts = new int[(int)PtxClass.Predicate + 1];
    private readonly Dictionary<PtxRegister, string> _written = [];
    private readonly HashSet<PtxRegister> _read = [];
    private readonly HashSet<string> _labels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _branches = new(StringComparer.Ordinal);
    private int _labelCount;
    private int _instructions;
    private int _target = PtxInstructionSet.LowestTarget;
    private string _guard = string.Empty;
    private bool _hasDynamicShared;

    public PtxEmitter(string entry) => _entry = entry;

    /// <summary>Bytes of the shared arrays declared so far.</summary>
    public int StaticSharedBytes => _sharedArrays.Sum(static array => array.Bytes);

    /// <summary>A register without a value, for loops and predicated writes.</summary>
    public PtxRegister New(PtxClass registerClass)
    {
        PtxRegister register = new(registerClass, _counts[(int)registerClass]++);
        _ = PtxRegister.Prefix(registerClass);
        return register;
    }

    /// <summary>Registers of one class.</summary>
    public PtxRegister[] New(PtxClass registerClass, int count) => Enumerable.Range(0, count).Select(_ => New(registerClass)).ToArray();

    /// <summary>Writes an instruction with a new result register.</summary>
    public PtxRegister Op(string mnemonic, params ReadOnlySpan<PtxOperand> sources)
    {
        PtxRegister result = New(PtxInstructionSet.ClassOf(SignatureOf(mnemonic)[0]));
        Into(result, mnemonic, sources);
        return result;
    }

    /// <summary>Writes an instruction whose result goes to a given register.</summary>
    public void Into(PtxRegister result, string mnemonic, params ReadOnlySpan<PtxOperand> sources)
    {
        string signature = SignatureOf(mnemonic);
        if (sources.Length != signature.Length - 1)
        {
            throw Fault(mnemonic, $"has {sources.Length} sources; it takes {signature.Length - 1}");
        }

        var text = new List<string>(signature.Length);
        for (int i = 0; i < sources.Length; i++)
        {
            CheckSource(mnemonic, i, signature[i + 1], sources[i]);
            text.Add(sources[i].ToString());
        }

        CheckClass(mnemonic, "result", PtxInstructionSet.ClassOf(signature[0]), result);
        text.Insert(0, result.ToString());
        MarkWritten(result, mnemonic);
        Line(mnemonic.Split(':')[0], text);
    }

    /// <summary>A 32-bit special register: %tid.x, %ctaid.x, ...</summary>
    public PtxRegister Special(string name)
    {
        if (name is not ("%tid.x" or "%ctaid.x" or "%ctaid.y" or "%ctaid.z"))
        {
            throw Fault("mov.u32", $"reads special register {name}; %tid.x and %ctaid.x, .y, .z are known");
        }

        PtxRegister result = New(PtxClass.B32);
        MarkWritten(result, "mov.u32");
        Line("mov.u32", [result.ToString(), name]);
        return result;
    }

    /// <summary>The multiprocessor's clock, 64 bits.</summary>
    public PtxRegister Clock()
    {
        PtxRegister result = New(PtxClass.B64);
        MarkWritten(result, "mov.u64");
        Line("mov.u64", [result.ToString(), "%clock64"]);
        return result;
    }

    /// <summary>Declares the next kernel parameter and loads it.</summary>
    /// <param name="type">u64, u32, s32 or f32.</param>
    public PtxRegister Parameter(string type)
    {
        PtxClass registerClass = type switch
        {
            "u64" => PtxClass.B64,
            "u32" or "s32" => PtxClass.B32,
            "f32" => PtxClass.F32,
            _ => throw Fault("ld.param", $"has type {type}; u64, u32, s32 and f32 are known"),
        };
        string name = string.Create(CultureInfo.InvariantCulture, $"{_entry}_{_parameters.Count}");
        _parameters.Add($".param .{type} {name}");
        PtxRegister result = New(registerClass);
        MarkWritten(result, "ld.param");
        Line("ld.param." + type, [result.ToString(), $"[{name}]"]);
        return result;
    }

    /// <summary>A pointer parameter as a global address.</summary>
    public PtxRegister GlobalPointer() => Op("cvta.to.global.u64", Parameter("u64"));

    /// <summary>Declares a shared array and gives its address.</summary>
    public PtxRegister SharedArray(string name, int bytes)
    {
        _sharedArrays.Add((name, bytes));
        return SharedAddress(name);
    }

    /// <summary>The address of the shared memory that the launch sizes.</summary>
    public PtxRegister DynamicShared()
    {
        _hasDynamicShared = true;
        return SharedAddress("dynamic_shared");
    }

    /// <summary>What the action writes runs in lanes whose predicate is true (or false, if negated).</summary>
    public void When(PtxRegister predicate, Action action, bool isNegated = false)
    {
        if (predicate.Class != PtxClass.Predicate)
        {
            throw Fault("@", $"is guarded by {Describe(predicate)}; a guard is a predicate");
        }

        if (_guard.Length != 0)
        {
            throw Fault("@", "is guarded twice; combine the predicates with and.pred");
        }

        MarkRead("@", predicate);
        _guard = $"@{(isNegated ? "!" : string.Empty)}{predicate} ";
        action();
        _guard = string.Empty;
    }

    public PtxLabel Label(string name) => new(string.Create(CultureInfo.InvariantCulture, $"${name}_{_labelCount++}"));

    public void Place(PtxLabel label)
    {
        if (!_labels.Add(label.Name))
        {
            throw Fault("label", $"{label.Name} is placed twice");
        }

        _body.Append(label.Name).Append(":\n");
    }

    /// <summary>Branch that all active lanes of a warp take together.</summary>
    public void Branch(PtxLabel target)
    {
        _branches.TryAdd(target.Name, string.Create(CultureInfo.InvariantCulture, $"instruction {_instructions}"));
        Line("bra.uni", [target.Name]);
    }

    /// <summary>Branch if a predicate holds (or does not); it must be equal in all lanes of a warp.</summary>
    public void Branch(PtxLabel target, PtxRegister predicate, bool isNegated = false) => When(predicate, () => Branch(target), isNegated);

    /// <summary>Says that a result is not needed, such as part of a matrix load.</summary>
    public void Discard(params ReadOnlySpan<PtxRegister> results)
    {
        foreach (PtxRegister result in results)
        {
            MarkRead("discard", result);
        }
    }

    public void Comment(string text) => _body.Append("    // ").Append(text).Append('\n');

    private PtxRegister SharedAddress(string name)
    {
        PtxRegister result = New(PtxClass.B32);
        MarkWritten(result, "mov.u32");
        Line("mov.u32", [result.ToString(), name]);
        return result;
    }

    private void Line(string mnemonic, IEnumerable<string> operands)
    {
        Count(mnemonic);
        _body.Append("    ").Append(_guard).Append(mnemonic).Append(' ').AppendJoin(", ", operands).Append(";\n");
    }

    private void Count(string mnemonic)
    {
        _instructions++;
        _target = Math.Max(_target, PtxInstructionSet.TargetOf(mnemonic));
    }

    private string SignatureOf(string mnemonic) => PtxInstructionSet.Signature(mnemonic) ?? throw Fault(mnemonic, "is not among the plain instructions that kernels may use");

    private void CheckSource(string mnemonic, int index, char letter, PtxOperand source)
    {
        PtxClass expected = PtxInstructionSet.ClassOf(letter);
        if (!source.IsImmediate)
        {
            CheckClass(mnemonic, string.Create(CultureInfo.InvariantCulture, $"source {index}"), expected, source.Register);
            MarkRead(mnemonic, source.Register);
            return;
        }

        bool isFitting = source.ImmediateClass switch
        {
            PtxClass.F32 => letter == 'f',
            PtxClass.F64 => letter == 'g',
            _ => letter is 'r' or 'd' or 'i',
        };
        if (!isFitting)
        {
            throw Fault(mnemonic, $"source {index} is the immediate {source}; expected {(expected == PtxClass.None ? "an integer" : expected)}");
        }
    }

    private void CheckClass(string mnemonic, string role, PtxClass expected, PtxRegister register)
    {
        if (register.Class != expected || expected == PtxClass.None)
        {
            throw Fault(mnemonic, $"{role} is {Describe(register)}; expected {(expected == PtxClass.None ? "an immediate" : expected)}");
        }
    }

    private void MarkWritten(PtxRegister register, string mnemonic) =>
        _written.TryAdd(register, string.Create(CultureInfo.InvariantCulture, $"'{mnemonic}' (instruction {_instructions})"));

    private void MarkRead(string mnemonic, PtxRegister register)
    {
        if (!_written.ContainsKey(register))
        {
            throw Fault(mnemonic, $"reads {Describe(register)}, which nothing wrote");
        }

        _read.Add(register);
    }

    private static string Describe(PtxRegister register) => register.Class == PtxClass.None ? "a register that was never made" : $"{register} of class {register.Class}";

    private PtxEmissionException Fault(string mnemonic, string what) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{_entry}, instruction {_instructions}: {mnemonic} {what}."));
}
