// BINARYATTENTION_LISTING=<folder>: every generated kernel's bytes (.bin) and disassembly (.asm), for reading, counting and diffing.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Iced.Intel;

namespace BinaryAttention.Kernels.Assembled;

internal static class Listing
{
    public const string EnvironmentVariable = "BINARYATTENTION_LISTING";

    public static void Write(MachineCode code)
    {
        string? folder = Environment.GetEnvironmentVariable(EnvironmentVariable);
        if (string.IsNullOrEmpty(folder))
        {
            return;
        }

        // A folder that cannot be written must not stop the attention that is being looked into.
        try
        {
            _ = Directory.CreateDirectory(folder);
            string path = Path.Combine(folder, code.Name);
            File.WriteAllBytes(path + ".bin", code.Bytes.ToArray());
            File.WriteAllText(path + ".asm", Disassemble(code.Bytes));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Trace.TraceWarning($"{EnvironmentVariable}={folder}: {code.Name} was not written: {problem.Message}");
        }
    }

    /// <summary>One instruction a line: offset, bytes, text.</summary>
    public static string Disassemble(ReadOnlySpan<byte> bytes)
    {
        var formatter = new IntelFormatter();
        var output = new StringOutput();
        var text = new StringBuilder();
        byte[] code = bytes.ToArray();
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(code));
        while (decoder.IP < (ulong)code.Length)
        {
            decoder.Decode(out Instruction instruction);
            formatter.Format(instruction, output);
            string hex = Convert.ToHexString(code, (int)instruction.IP, instruction.Length);
            text.Append(CultureInfo.InvariantCulture, $"{instruction.IP:x6}  {hex,-24}  {output.ToStringAndReset()}").Append('\n');
        }

        return text.ToString();
    }
}
