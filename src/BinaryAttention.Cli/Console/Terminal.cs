// Tables on standard output: with colours and the terminal's width when it is one, else plain text of a fixed width.
using Spectre.Console;

namespace BinaryAttention.Cli.Console;

internal static class Terminal
{
    private const int RedirectedWidth = 160;

    public static IAnsiConsole ForOutput(CliContext context) => Create(context.Output, context.IsOutputInteractive);

    public static IAnsiConsole ForError(CliContext context) => Create(context.Error, context.IsErrorInteractive);

    /// <summary>A table with a title, left-aligned columns for text and right-aligned ones for numbers (names that start with '>').</summary>
    public static Table Table(string title, params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle(Markup.Escape(title)), UseSafeBorder = true };
        foreach (string column in columns)
        {
            bool isNumber = column.StartsWith('>');
            var header = new TableColumn(Markup.Escape(column.TrimStart('>'))) { NoWrap = isNumber };
            table.AddColumn(isNumber ? header.RightAligned() : header);
        }

        return table;
    }

    public static void Row(this Table table, params ReadOnlySpan<string> cells)
    {
        var escaped = new string[cells.Length];
        for (int i = 0; i < cells.Length; i++)
        {
            escaped[i] = Markup.Escape(cells[i]);
        }

        table.AddRow(escaped);
    }

    private static IAnsiConsole Create(TextWriter writer, bool isInteractive)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isInteractive)
        {
            console.Profile.Width = RedirectedWidth;
        }

        return console;
    }
}
