using BinaryAttention.Formats.Datasets;
using Xunit;

namespace BinaryAttention.Formats.Tests.Datasets;

/// <summary>The labels file's syntax, its limits and its refusals with line numbers.</summary>
public sealed class LabelFileTests
{
    [Theory]
    [InlineData("file,label\na.png,3\n")]
    [InlineData("a.png,3")]
    [InlineData("File,Label\r\na.png,3\r\n")]
    [InlineData("file,label\ra.png,3\r")]
    [InlineData("\n  \n a.png , 3 \n\n")]
    [InlineData("\"file\",\"label\"\n\"a.png\",\"3\"\n")]
    [InlineData("./a.png,3\n")]
    [InlineData(".//./a.png,003\n")]
    public void Reads_OneFile(string text)
    {
        LabelLine line = Assert.Single(Read(text));
        Assert.Equal("a.png", line.RelativePath);
        Assert.Equal(3, line.Label);
    }

    [Fact]
    public void Reads_QuotedNames_AndBackslashes()
    {
        List<LabelLine> lines = Read("\"a, \"\"b\"\".png\" , 1\nval\\c d.png,2\n\" x.png\",2147483647\n");
        Assert.Equal(["a, \"b\".png", "val/c d.png", " x.png"], lines.Select(static line => line.RelativePath), StringComparer.Ordinal);
        Assert.Equal([1, 2, int.MaxValue], lines.Select(static line => line.Label));
        Assert.Equal([1, 2, 3], lines.Select(static line => line.LineNumber));
    }

    [Theory]
    [InlineData("", "no files are listed")]
    [InlineData("file,label\n", "no files are listed")]
    [InlineData("label,file\n3,a.png\n", "line 1: the label 'file' is not a class index")]
    [InlineData("a.png,1\nfile,label\n", "line 2: the label 'label'")]
    [InlineData("a.png,1\n\nb.png,-1\n", "line 3: the label '-1'")]
    [InlineData("a.png,1.0\n", "the label '1.0'")]
    [InlineData("a.png,2147483648\n", "the label '2147483648'")]
    [InlineData("a.png,\n", "the label ''")]
    [InlineData("a.png\n", "line 1: 1 fields")]
    [InlineData("a.png,1,\n", "line 1: 3 fields")]
    [InlineData("a,b.png,1\n", "line 1: 3 fields")]
    [InlineData(",1\n", "the file name is empty")]
    [InlineData("./.,1\n", "the file name is empty")]
    [InlineData("a.png,1\n./a.png,2\n", "line 2: the file 'a.png' is listed already in line 1")]
    [InlineData("../a.png,1\n", "has a '..' part")]
    [InlineData("x/../../a.png,1\n", "has a '..' part")]
    [InlineData("x\\..\\a.png,1\n", "has a '..' part")]
    [InlineData("/etc/passwd,1\n", "is absolute")]
    [InlineData("\\\\server\\share\\a.png,1\n", "is absolute")]
    [InlineData("C:\\a.png,1\n", "is absolute")]
    [InlineData("c:a.png,1\n", "is absolute")]
    [InlineData("a\0.png,1\n", "control character")]
    [InlineData("\"a.png,1\n", "line 1: a quoted field is not closed")]
    [InlineData("\"a\nb.png\",1\n", "line 1: a quoted field is not closed")]
    [InlineData("\"a\"b.png,1\n", "text follows a closing quote")]
    [InlineData("a\"b.png,1\n", "a quote stands inside")]
    public void Refuses(string text, string expectedMessage)
    {
        var exception = Assert.Throws<FileFormatException>(() => Read(text));
        Assert.StartsWith("labels.csv: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(expectedMessage, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_LongLinesAndTooManyLines()
    {
        string longest = new string('a', CsvReader.MaxLineCharacters - 2) + ",1";
        Assert.Single(Read(longest));
        Assert.Contains("more than 8192 characters", Assert.Throws<FileFormatException>(() => Read("a,1\n" + longest + "1")).Message, StringComparison.Ordinal);
        Assert.Contains("line 4: more than 3 files", Assert.Throws<FileFormatException>(() => LabelFile.Read(new StringReader("a,1\nb,1\nc,1\nd,1\n"), "labels.csv", 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_BytesThatAreNotUtf8_AndSkipsTheByteOrderMark()
    {
        using var folder = new TemporaryFolder();
        string path = folder.PathOf("labels.csv");
        File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, .. "file,label\n\u00E9.png,1\n"u8]);
        Assert.Equal("\u00E9.png", Assert.Single(LabelFile.Read(path, 10)).RelativePath);
        File.WriteAllBytes(path, [.. "file,label\na.png,1\n"u8, 0xE9, .. ".png,1\n"u8]);
        Assert.Contains("not UTF-8", Assert.Throws<FileFormatException>(() => LabelFile.Read(path, 10)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(path, [0xFF, 0xFE, (byte)'a', 0, (byte)',', 0]);
        Assert.Throws<FileFormatException>(() => LabelFile.Read(path, 10));
    }

    [Fact]
    public void RandomText_EndsInLinesOrFormatError()
    {
        var random = new Random(6);
        const string alphabet = "ab/\\.,,\"\"\n\n\r\t 0123459-:\u00E9\0";
        int read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => alphabet[random.Next(alphabet.Length)]));
            try
            {
                foreach (LabelLine line in Read(i % 2 == 0 ? text : "a.png,1\nval/b.png,2\n" + text))
                {
                    Assert.False(Path.IsPathRooted(line.RelativePath));
                    Assert.DoesNotContain("..", line.RelativePath.Split('/'), StringComparer.Ordinal);
                    Assert.InRange(line.Label, 0, int.MaxValue);
                }

                read++;
            }
            catch (FileFormatException)
            {
                // Refusing is the other allowed outcome.
            }
        }

        Assert.InRange(read, 50, 19_950);
    }

    private static List<LabelLine> Read(string text) => LabelFile.Read(new StringReader(text), "labels.csv", 1000);
}
