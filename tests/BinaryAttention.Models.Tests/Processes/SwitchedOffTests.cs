// Products and layers again with instruction sets or code generation switched off, which are read once at the start of a process: this program runs itself with other environment variables.
// (On .NET 10 the switch for AVX-512 is EnableAVX512; EnableAVX512F does nothing.)
using System.Diagnostics;
using BinaryAttention.Models.LinearAlgebra;
using Xunit;

namespace BinaryAttention.Models.Tests.Processes;

public sealed class SwitchedOffTests
{
    private const string ExpectedVariable = "BINARYATTENTION_TEST_EXPECTED_KERNELS";
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("BINARYATTENTION_ASSEMBLED", "Byte256,Short512,Short256,Short128")]
    [InlineData("DOTNET_EnableAVX512", "Byte256,Short256,Short128")]
    [InlineData("DOTNET_EnableAVX2", "Short128")]
    [InlineData("DOTNET_EnableHWIntrinsic", "Short128")]
    public async Task ProductsAndLayers_HoldWithout(string name, string kernels)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(ExpectedVariable) is null, "children start no children");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (string.Equals(Path.GetFileNameWithoutExtension(Environment.ProcessPath), "dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.Add(typeof(SwitchedOffTests).Assembly.Location);
        }

        foreach (string argument in (string[])["--filter-namespace", "BinaryAttention.Models.Tests.LinearAlgebra", "BinaryAttention.Models.Tests.Layers", "BinaryAttention.Models.Tests.Processes", "--no-progress", "--no-ansi"])
        {
            start.ArgumentList.Add(argument);
        }

        // A parent under `dotnet test` talks to its host through these; a child must not.
        foreach (string variable in start.Environment.Keys.Where(static key => key.StartsWith("TESTINGPLATFORM_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(variable);
        }

        start.Environment[ExpectedVariable] = kernels;
        start.Environment[name] = "0";
        using Process child = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            Task<string> output = child.StandardOutput.ReadToEndAsync(limit.Token), error = child.StandardError.ReadToEndAsync(limit.Token);
            await child.WaitForExitAsync(limit.Token);
            string text = await output + await error;
            Assert.True(child.ExitCode == 0 && !text.Contains("succeeded: 0", StringComparison.Ordinal), $"The child ended with exit code {child.ExitCode}.{Environment.NewLine}{text}");
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill(entireProcessTree: true);
            }
        }
    }

    // A machine may lack more than the switch turns off, never less.
    [Fact]
    public void SwitchTookEffect()
    {
        string? expected = Environment.GetEnvironmentVariable(ExpectedVariable);
        Assert.SkipWhen(expected is null, "run in a child process");
        string[] usable = [.. Enum.GetValues<EightBitKernel>().Where(EightBitKernels.IsSupported).Select(static kernel => kernel.ToString())];
        Assert.Subset(expected!.Split(',').ToHashSet(StringComparer.Ordinal), usable.ToHashSet(StringComparer.Ordinal));
    }
}
