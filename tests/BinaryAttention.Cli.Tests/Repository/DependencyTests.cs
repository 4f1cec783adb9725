// Dependencies point one way: Cli -> Models -> (Formats, BinaryAttention). Checked on what the compiler wrote into the assemblies and on the project files.
using System.Reflection;
using System.Xml.Linq;
using BinaryAttention.Formats;
using BinaryAttention.Models.Vision;
using TestKit;
using Xunit;

namespace BinaryAttention.Cli.Tests.Repository;

public sealed class DependencyTests
{
    [Fact]
    public void Core_References_TensorsAndIcedAlone() =>
        Assert.Subset(new HashSet<string>(["Iced", "System.Numerics.Tensors"], StringComparer.Ordinal), OwnReferences(typeof(Attention).Assembly));

    [Fact]
    public void Formats_References_Nothing() => Assert.Empty(OwnReferences(typeof(FileFormatException).Assembly));

    [Fact]
    public void Models_References_FormatsAndCore() =>
        Assert.Subset(new HashSet<string>(["BinaryAttention", "BinaryAttention.Formats", "System.Numerics.Tensors"], StringComparer.Ordinal), OwnReferences(typeof(VisionTransformer).Assembly));

    [Theory]
    [InlineData("BinaryAttention", "", "Iced System.Numerics.Tensors")]
    [InlineData("BinaryAttention.Formats", "", "")]
    [InlineData("BinaryAttention.Models", "BinaryAttention BinaryAttention.Formats", "")]
    [InlineData("BinaryAttention.Cli", "BinaryAttention.Models", "Spectre.Console System.CommandLine")]
    public void Project_DeclaresNoOtherDependency(string project, string projects, string packages)
    {
        XDocument file = XDocument.Load(RepositoryFolder.PathOf($"src/{project}/{project}.csproj"));
        Assert.Equal(projects, string.Join(' ', Includes(file, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))).Order(StringComparer.Ordinal)));
        Assert.Equal(packages, string.Join(' ', Includes(file, "PackageReference").Order(StringComparer.Ordinal)));
    }

    private static IEnumerable<string> Includes(XDocument file, string item) => file.Descendants(item).Select(element => element.Attribute("Include")!.Value);

    /// <summary>References that do not come with the framework.</summary>
    private static HashSet<string> OwnReferences(Assembly assembly)
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        return [.. assembly.GetReferencedAssemblies().Select(reference => reference.Name!).Where(name => !File.Exists(Path.Combine(framework, $"{name}.dll")))];
    }
}
