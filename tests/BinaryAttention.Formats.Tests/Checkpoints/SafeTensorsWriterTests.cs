using System.Buffers.Binary;
using System.Text;
using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Formats.Tests.Checkpoints;

public sealed class SafeTensorsWriterTests
{
    private static readonly TensorToWrite Good = TensorToWrite.FromSingles("good", [2], new[] { 1f, 2f });

    private static readonly TensorToWrite Other = Good with { Name = "other" };

    public static TheoryData<TensorToWrite?> BadTensors =>
    [
        (TensorToWrite?)null,
        Good,
        Other with { Name = "__metadata__" },
        Other with { Name = null! },
        Other with { Name = new string('n', 4097) },
        Other with { Name = "half \ud800 pair" },
        Other with { Shape = null! },
        Other with { Shape = [3] },
        Other with { Shape = [-2] },
        Other with { Shape = [long.MaxValue, 4] },
        Other with { Shape = [.. Enumerable.Repeat(1L, 16), 2] },
        Other with { ElementType = TensorElementType.Float64 },
        Other with { ElementType = (TensorElementType)99 },
        Other with { Name = "empty", Bytes = default },
    ];

    [Theory]
    [MemberData(nameof(BadTensors))]
    public void Rejects_BadTensors_BeforeWriting(TensorToWrite? bad)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model"], "old");
        TensorToWrite[] tensors = [Good, bad!];
        ArgumentException exception = Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(folder["model"], tensors));
        Assert.Equal("tensors", exception.ParamName);
        Assert.Contains("tensors[1]", exception.Message, StringComparison.Ordinal);
        AssertOnlyTheOldFile(folder);
    }

    [Fact]
    public void Rejects_BadMetadata_BeforeWriting()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model"], "old");
        foreach ((string key, string? value) in new[] { ("k", null), ("k", "\udc00"), ("\ud800", "v"), (new string('k', 4097), "v") })
        {
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { [key] = value! };
            Assert.Equal("metadata", Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(folder["model"], [Good], metadata)).ParamName);
        }

        AssertOnlyTheOldFile(folder);
    }

    [Fact]
    public void Rejects_AHeaderNoReaderAccepts()
    {
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["k"] = new string('v', 100_000_000) };
        Assert.Contains("100000000", Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(folder["model"], [Good], metadata)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Factories_RejectWhatDoesNotFit()
    {
        Assert.Throws<ArgumentException>(() => TensorToWrite.FromSingles("x", [3], new[] { 1f, 2f }));
        Assert.Throws<ArgumentException>(() => TensorToWrite.FromSingles("x", [-2], new[] { 1f, 2f }));
        Assert.Throws<ArgumentException>(() => TensorToWrite.FromSingles("x", [2], new[] { 1f, 2f }, TensorElementType.Signed32));
        Assert.Throws<ArgumentException>(() => TensorToWrite.FromSingles("x", [2], new[] { 1f, 2f }, TensorElementType.Float8E4M3));
        Assert.Throws<ArgumentNullException>(() => TensorToWrite.FromSingles(null!, [2], new[] { 1f, 2f }));
        Assert.Throws<ArgumentNullException>(() => TensorToWrite.FromSingles("x", null!, new[] { 1f, 2f }));
    }

    [Fact]
    public void Bytes_AreDeterministic_AndAsTheFormatSays()
    {
        using var folder = new TemporaryFolder();
        var one = new Dictionary<string, string>(StringComparer.Ordinal) { ["b"] = "2", ["a"] = "1" };
        var other = new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = "1", ["b"] = "2" };
        TensorToWrite[] tensors = [Good, new TensorToWrite("flags", TensorElementType.Boolean, [], new byte[] { 1 })];
        SafeTensorsWriter.Write(folder["one"], tensors, one);
        SafeTensorsWriter.Write(folder["other"], tensors, other);
        byte[] bytes = File.ReadAllBytes(folder["one"]);
        Assert.Equal(bytes, File.ReadAllBytes(folder["other"]));

        const string expected = """{"__metadata__":{"a":"1","b":"2"},"good":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"flags":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}""";
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, headerLength % 8);
        Assert.InRange(headerLength - expected.Length, 0, 7);
        Assert.Equal(expected.PadRight(headerLength), Encoding.UTF8.GetString(bytes, 8, headerLength));
        Assert.Equal([0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 1], bytes[(8 + headerLength)..]);
    }

    [Fact]
    public void ExistingFile_IsReplaced_AndNothingElseIsLeft()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model"], "old and longer than what follows".PadRight(10_000));
        SafeTensorsWriter.Write(folder["model"], [Good]);
        using var file = SafeTensorsFile.Open(folder["model"]);
        Assert.Equal([1f, 2f], file.ReadSingles("good"));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void FailureWhileWriting_LeavesTheOldFile_AndNoTemporary()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model"], "old");
        using var failing = new FailingMemory(8);
        TensorToWrite[] tensors = [Good, new TensorToWrite("failing", TensorElementType.Unsigned8, [8], failing.Memory)];
        Assert.Throws<InvalidOperationException>(() => SafeTensorsWriter.Write(folder["model"], tensors));
        AssertOnlyTheOldFile(folder);
    }

    [Fact]
    public void FailureOfTheRename_LeavesNoTemporary()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["model"]);
        Exception? exception = Record.Exception(() => SafeTensorsWriter.Write(folder["model"], [Good]));
        Assert.True(exception is IOException or UnauthorizedAccessException, $"{exception}");
        Assert.Equal(folder["model"], Assert.Single(Directory.GetFileSystemEntries(folder.Path)));
        Assert.Throws<DirectoryNotFoundException>(() => SafeTensorsWriter.Write(Path.Combine(folder["none"], "model"), [Good]));
    }

    [Fact]
    public void RelativePaths_AreWritten()
    {
        string name = $"relative-{Guid.NewGuid():N}.tmp";
        try
        {
            SafeTensorsWriter.Write(name, [Good]);
            using var file = SafeTensorsFile.Open(name);
            Assert.Single(file.Tensors);
        }
        finally
        {
            File.Delete(name);
        }
    }

    private static void AssertOnlyTheOldFile(TemporaryFolder folder)
    {
        Assert.Equal("old", File.ReadAllText(folder["model"]));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }
}
