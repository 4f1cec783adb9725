using System.Text.Json;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class InspectTests
{
    [Fact]
    public void Lists_Tensors_AndTotals()
    {
        CommandRun run = CommandRun.Of("inspect", RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors"), "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        IReadOnlyList<JsonElement> lines = run.JsonLines;
        Assert.Equal(153, lines.Count);
        JsonElement head = Assert.Single(lines, line => line.TryGetProperty("name", out JsonElement name) && name.GetString() == "head.weight");
        Assert.Equal([1000, 192], head.GetProperty("shape").EnumerateArray().Select(length => length.GetInt32()));
        Assert.Equal(2 * 192_000, head.GetProperty("bytes").GetInt64());
        Assert.Equal(152, lines[^1].GetProperty("tensors").GetInt32());
        Assert.Equal(5_717_416, lines[^1].GetProperty("elements").GetInt64());
        Assert.Equal("Apache-2.0", lines[^1].GetProperty("metadata").GetProperty("license").GetString());
    }

    [Fact]
    public void Table_EndsWithTotals()
    {
        CommandRun run = CommandRun.Of("inspect", RepositoryFolder.PathOf("samples/models/deit_tiny_patch16_224.f16.safetensors"));
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.EndsWith("152 tensors, 5,717,416 elements, 11,434,832 bytes", run.Output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_MissingAndMalformedFiles()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Of("inspect", Path.Combine(folder.Path, "none.safetensors")).ShouldBeBadInput("does not exist");
        CommandRun.Of("inspect", folder.Path).ShouldBeBadInput("is not a regular file", "folder");
        CommandRun.Of("inspect", folder.Write("short.safetensors", [1, 2, 3])).ShouldBeBadInput("short.safetensors");
        CommandRun.Of("inspect", folder.Write("bomb.safetensors", [255, 255, 255, 255, 255, 255, 255, 127, 0]), "--json").ShouldBeBadInput("bomb.safetensors");
    }
}
