using BinaryAttention.Cli.Console;
using Spectre.Console;
using Xunit;

namespace BinaryAttention.Cli.Tests;

public sealed class NumberTableTests
{
    private static readonly string[] Columns = ["operation", "kernel", ">median ms", ">cosine similarity"];
    private static readonly string[][] Rows = [["binary", "simd", "0.4463", "0.999969"], ["exact", "reference", "1234.5678", "1.000000"]];

    [Theory]
    [InlineData(160)]
    [InlineData(80)]
    [InlineData(40)]
    [InlineData(20)]
    public void NoWidth_CostsANameOrADigit(int width)
    {
        using var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        console.Profile.Width = width;
        NumberTable.Write(console, "times", Columns, Rows);
        Assert.All([.. Columns.Select(column => column.TrimStart('>')), .. Rows.SelectMany(row => row)], text => Assert.Contains(text, output.ToString(), StringComparison.Ordinal));
    }
}
