using BinaryAttention.Cuda.Driver;
using TestKit.Cuda;
using Xunit;

namespace BinaryAttention.Cuda.Tests.Driver;

public sealed class DriverTableTests
{
    [Fact]
    public void ResolvesEachCallOnce()
    {
        List<string> asked = [];
        var table = new DriverTable(call =>
        {
            asked.Add(call);
            return 1;
        });
        Assert.Empty(table.Missing);
        Assert.Equal(asked.Distinct(StringComparer.Ordinal).Count(), asked.Count);
        Assert.Equal(FakeDriver.KnownCalls.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ListsWhatIsMissing()
    {
        var table = new DriverTable(call => call is "cuGraphLaunch" or "cuInit" ? 0 : 1);
        Assert.Equal(["cuInit", "cuGraphLaunch"], table.Missing);
    }

    [Fact]
    public unsafe void HasOnePlaceForEachCall()
    {
        long next = 0;
        var table = new DriverTable(_ => (nint)(++next));
        var places = new HashSet<nint>();
        foreach (System.Reflection.FieldInfo field in typeof(DriverTable).GetFields().Where(field => field.FieldType.IsFunctionPointer))
        {
            Assert.True(places.Add((nint)field.GetValue(table)!), $"{field.Name} repeats another call's address");
        }

        Assert.Equal(next, places.Count);
    }
}
