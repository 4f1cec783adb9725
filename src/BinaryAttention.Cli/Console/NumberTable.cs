// A table of measurements that no terminal may mangle: a column is never squeezed, which would hide names and break numbers apart. Where the columns do not fit
// side by side the table is turned, one line for each column; where even that is too wide the terminal wraps whole lines.
using Spectre.Console;

namespace BinaryAttention.Cli.Console;

internal static class NumberTable
{
    // A border and two spaces of padding for each column, and the last border.
    private const int ColumnOverhead = 3;

    /// <summary>Writes rows of cells under columns; names of columns of numbers start with '>', as in <see cref="Terminal.Table"/>.</summary>
    public static void Write(IAnsiConsole console, string title, string[] columns, string[][] rows)
    {
        string[] names = [.. columns.Select(column => column.TrimStart('>'))];
        int width = Width([names, .. rows]);
        if (width <= console.Profile.Width)
        {
            Table table = Terminal.Table(title, columns);
            foreach (string[] row in rows)
            {
                table.Row(row);
            }

            console.Write(table);
            return;
        }

        string[][] turned = [.. names.Select((name, column) => (string[])[name, .. rows.Select(row => row[column])])];
        console.Profile.Width = Math.Max(console.Profile.Width, Width(turned));
        Table upended = Terminal.Table(title, [string.Empty, .. rows.Select(_ => ">")]).HideHeaders();
        foreach (string[] line in turned)
        {
            upended.Row(line);
        }

        console.Write(upended);
    }

    private static int Width(string[][] lines) => 1 + Enumerable.Range(0, lines[0].Length).Sum(column => ColumnOverhead + lines.Max(line => line[column].Length));
}
