// What is no regular file is told before it is opened: a pipe without a writer would never answer.
using System.Diagnostics;
using BinaryAttention.Cli.Commands;
using TestKit;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Cli.Tests.Commands;

public sealed class InputPathTests
{
    private static readonly string Coffee = RepositoryFolder.PathOf("samples/photos/coffee.png");

    [Fact]
    public void Folders_AreRefused()
    {
        using var folder = new TemporaryFolder();
        CommandRun.Of("classify", folder.Path).ShouldBeBadInput("is not a regular file", "folder");
        CommandRun.Of("classify", Coffee, "--model", folder.Path).ShouldBeBadInput("--model", "is not a regular file");
        CommandRun.Of("inspect", folder.Path).ShouldBeBadInput("is not a regular file");
        CommandRun.Of("inspect", string.Empty).ShouldBeBadInput("FILE is empty");
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("/dev/null")]
    public void Devices_AreRefused(string device)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there are no such devices");
        CommandRun.Of("classify", device).ShouldBeBadInput(device, "is not a regular file");
        CommandRun.Of("classify", Coffee, "--model", device).ShouldBeBadInput(device, "is not a regular file");
        CommandRun.Of("inspect", device).ShouldBeBadInput(device, "is not a regular file");
    }

    [Fact]
    public async Task APipeWithoutAWriter_IsRefused_WithoutWaiting()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "pipes are no files there");
        using var folder = new TemporaryFolder();
        string pipe = folder["pipe.png"];
        using (var make = Process.Start("mkfifo", [pipe]))
        {
            await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        string link = folder["link.png"];
        File.CreateSymbolicLink(link, "pipe.png");
        foreach (string path in (string[])[pipe, link])
        {
            CommandRun run = await Task.Run(() => CommandRun.Of("classify", path), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            run.ShouldBeBadInput(path, "is not a regular file");
        }
    }

    [Fact]
    public void EmptyFilesAndLinks_AreRegular()
    {
        using var folder = new TemporaryFolder();
        string empty = folder.Write("empty.png", []);
        Assert.Equal(empty, InputPaths.File(empty, "IMAGE"));
        if (!OperatingSystem.IsWindows())
        {
            string link = folder["link.png"];
            File.CreateSymbolicLink(link, "empty.png");
            Assert.Equal(link, InputPaths.File(link, "IMAGE"));
        }
    }
}
