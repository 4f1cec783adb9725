// Strict reader of the subset of PTX that the emitter writes: one statement a line, every directive, mnemonic, type and operand known, or a fault that names the line.
using System.Globalization;
using System.Text.RegularExpressions;

namespace TestKit.Ptx;

public sealed partial class PtxParser
{
    private readonly string[] _lines;
    private readonly PtxRegisters _registers = new();
    private readonly Dictionary<string, int> _labels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _sharedArrays = new(StringComparer.Ordinal);
    private readonly List<int> _parameterBytes = [];
    private readonly List<PtxInstruction> _instructions = [];
    private int _staticSharedBytes;
    private bool _hasDynamicShared;
    private int _line;

    private PtxParser(string text) => _lines = text.Split('\n');

    public static PtxKernel Parse(string text) => new PtxParser(text).Parse();

    private PtxKernel Parse()
    {
        Expect(VersionLine(), "a .version of 7.1 or later");
        int target = int.Parse(Expect(TargetLine(), "a .target of sm_75 or later").Groups["b"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        Expect(AddressLine(), ".address_size 64");
        if (ExternLine().IsMatch(Peek()))
        {
            Next();
            _hasDynamicShared = true;
        }

        string name = Expect(EntryLine(), ".visible .entry").Groups["a"].Value;
        while (Peek() != ")")
        {
            Match parameter = Expect(ParameterLine(), "a parameter");
            _parameters.Add(parameter.Groups["b"].Value, _parameterBytes.Count);
            _parameterBytes.Add(parameter.Groups["a"].Value == "u64" ? 8 : 4);
        }

        Next();
        int threads = int.Parse(Expect(ThreadsLine(), ".reqntid").Groups["a"].Value, CultureInfo.InvariantCulture);
        if (Next() != "{")
        {
            throw Fault("expected {");
        }

        for (Match match = RegisterLine().Match(Peek()); match.Success; match = RegisterLine().Match(Peek()))
        {
            Next();
            _registers.Declare(match.Groups["a"].Value, match.Groups["b"].Value, int.Parse(match.Groups["c"].Value, CultureInfo.InvariantCulture));
        }

        for (Match match = SharedLine().Match(Peek()); match.Success; match = SharedLine().Match(Peek()))
        {
            Next();
            _sharedArrays.Add(match.Groups["a"].Value, _staticSharedBytes);
            _staticSharedBytes += (int.Parse(match.Groups["b"].Value, CultureInfo.InvariantCulture) + 15) / 16 * 16;
        }

        FindLabels();
        for (string line = Next(); line != "}"; line = Next())
        {
            if (!line.EndsWith(':'))
            {
                _instructions.Add(new PtxInstructionParser(_registers, _labels, _parameters, _sharedArrays, _staticSharedBytes, target).Parse(line, _line));
            }
        }

        if (_instructions.Count == 0 || _instructions[^1].Text != "ret;")
        {
            throw Fault("the entry does not end in ret");
        }

        return new PtxKernel(name, target, _parameterBytes, threads, _staticSharedBytes, _hasDynamicShared, _registers.Count, _instructions);
    }

    private void FindLabels()
    {
        int saved = _line;
        int instruction = 0;
        for (string line = Next(); line != "}"; line = Next())
        {
            if (line.EndsWith(':'))
            {
                if (!_labels.TryAdd(line[..^1], instruction))
                {
                    throw Fault("the label stands twice");
                }
            }
            else
            {
                instruction++;
            }
        }

        _line = saved;
    }

    // The next line that is neither empty nor a comment.
    private string Next()
    {
        while (_line < _lines.Length)
        {
            string line = _lines[_line++].Trim();
            if (line.Length != 0 && !line.StartsWith("//", StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw Fault("the text ends early");
    }

    private string Peek()
    {
        int saved = _line;
        string line = Next();
        _line = saved;
        return line;
    }

    private Match Expect(Regex pattern, string what)
    {
        Match match = pattern.Match(Next());
        return match.Success ? match : throw Fault($"expected {what}");
    }

    private PtxFaultException Fault(string what) => new($"line {_line} ({(_line is > 0 && _line <= _lines.Length ? _lines[_line - 1].Trim() : "end")}): {what}.");

    [GeneratedRegex(@"^\.version (?<a>7\.[1-9]|8\.[0-9])$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"^\.target sm_(?<b>75|8[0-9]|90|100|120)(?<a>a?)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TargetLine();

    [GeneratedRegex(@"^\.address_size 64$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AddressLine();

    [GeneratedRegex(@"^\.extern \.shared \.align 16 \.b8 dynamic_shared\[\];$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExternLine();

    [GeneratedRegex(@"^\.visible \.entry (?<a>[A-Za-z_][A-Za-z0-9_]*)\($", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EntryLine();

    [GeneratedRegex(@"^\.param \.(?<a>u64|u32|s32|f32) (?<b>[A-Za-z_][A-Za-z0-9_]*),?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ParameterLine();

    [GeneratedRegex(@"^\.reqntid (?<a>[0-9]+), 1, 1$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ThreadsLine();

    [GeneratedRegex(@"^\.reg \.(?<a>[a-z0-9]+) (?<b>%[a-z]+)<(?<c>[0-9]+)>;$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RegisterLine();

    [GeneratedRegex(@"^\.shared \.align 16 \.b8 (?<a>[a-z_]+)\[(?<b>[0-9]+)\];$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SharedLine();
}
