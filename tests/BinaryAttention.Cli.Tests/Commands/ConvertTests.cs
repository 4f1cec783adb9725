using System.Text.Json;
using BinaryAttention.Formats.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class ConvertTests
{
    [Fact]
    public void Keep_LeavesEveryBit()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("model.bin", PyTorchFile.Bytes());
        CommandRun run = CommandRun.Of("convert", input, "-o", folder["out.safetensors"], "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        JsonElement line = Assert.Single(run.JsonLines);
        Assert.Equal("PyTorch checkpoint", line.GetProperty("format").GetString());
        Assert.Equal(2, line.GetProperty("tensors").GetInt32());
        Assert.Contains("left out", run.Error, StringComparison.Ordinal);
        Assert.Contains("epoch", run.Error, StringComparison.Ordinal);
        using (var file = SafeTensorsFile.Open(folder["out.safetensors"]))
        {
            Assert.Equal(PyTorchFile.Weights, file.ReadBytes("w"));
            Assert.Equal(PyTorchFile.Counts, file.ReadBytes("n"));
        }

        // Again from safetensors: the same file.
        Assert.Equal(ExitCodes.Success, CommandRun.Of("convert", folder["out.safetensors"], "-o", folder["again.safetensors"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["out.safetensors"]), File.ReadAllBytes(folder["again.safetensors"]));
    }

    [Theory]
    [InlineData("f16", TensorElementType.Float16, float.NegativeInfinity)]
    [InlineData("bf16", TensorElementType.BFloat16, -65_536f)]
    [InlineData("f32", TensorElementType.Float32, -65_520f)]
    public void Type_NarrowsFloats_AndLeavesIntegers(string type, TensorElementType expected, float last)
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("model.pth", PyTorchFile.Bytes());
        Assert.Equal(ExitCodes.Success, CommandRun.Of("convert", input, "-o", folder["out.safetensors"], "--type", type).ExitCode);
        using var file = SafeTensorsFile.Open(folder["out.safetensors"]);
        Assert.Equal(expected, file.GetTensor("w").ElementType);
        Assert.Equal([1.5f, last], file.ReadSingles("w"));
        Assert.Equal([-9L], file.ReadInt64s("n"));
    }

    [Fact]
    public void Output_IsReplacedOnlyWithForce()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("model.pth", PyTorchFile.Bytes());
        string output = folder.Write("out.safetensors", "precious");
        CommandRun.Of("convert", input, "-o", output).ShouldBeBadInput("exists", "--force");
        Assert.Equal("precious", File.ReadAllText(output));
        Assert.Equal(ExitCodes.Success, CommandRun.Of("convert", input, "-o", output, "--force").ExitCode);

        // In place: the input is read whole before it is replaced.
        Assert.Equal(ExitCodes.Success, CommandRun.Of("convert", output, "-o", output, "--force", "--type", "bf16").ExitCode);
        using var file = SafeTensorsFile.Open(output);
        Assert.Equal(TensorElementType.BFloat16, file.GetTensor("w").ElementType);
    }

    [Fact]
    public void Refuses_BadInput_AndLeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("model.pth", PyTorchFile.Bytes());
        CommandRun.Of("convert", input).ShouldBeBadInput("--output");
        CommandRun.Of("convert", input, "-o", "").ShouldBeBadInput("--output");
        CommandRun.Of("convert", input, "-o", folder.Path).ShouldBeBadInput("is a folder");
        CommandRun.Of("convert", input, "-o", Path.Combine(folder.Path, "none", "x")).ShouldBeBadInput("does not exist");
        CommandRun.Of("convert", input, "-o", folder["x"], "--type", "f8").ShouldBeBadInput("--type");
        CommandRun.Of("convert", folder["none.pth"], "-o", folder["x"]).ShouldBeBadInput("does not exist");
        CommandRun.Of("convert", folder.Write("cut.pth", PyTorchFile.Bytes()[..200]), "-o", folder["x"]).ShouldBeBadInput("cut.pth", "end record");
        Assert.False(File.Exists(folder["x"]));
    }

    [Fact]
    public void Interrupted_WritesNothing()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("model.pth", PyTorchFile.Bytes());
        CommandRun run = CommandRun.Of(new CancellationToken(canceled: true), "convert", input, "-o", folder["x"]);
        Assert.Equal(ExitCodes.Interrupted, run.ExitCode);
        Assert.False(File.Exists(folder["x"]));
    }

    [Fact]
    public void Inspect_ListsPyTorchCheckpoints()
    {
        using var folder = new TemporaryFolder();
        CommandRun run = CommandRun.Of("inspect", folder.Write("model", PyTorchFile.Bytes()), "--json");
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        Assert.Equal("PyTorch checkpoint", run.JsonLines[^1].GetProperty("format").GetString());
        Assert.Equal(3, run.JsonLines[^1].GetProperty("elements").GetInt64());
    }
}
