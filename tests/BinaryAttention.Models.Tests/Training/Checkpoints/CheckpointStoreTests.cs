using BinaryAttention.Formats;
using BinaryAttention.Models.Training.Checkpoints;
using TestKit.Files;
using Xunit;

namespace BinaryAttention.Models.Tests.Training.Checkpoints;

public sealed class CheckpointStoreTests
{
    private static readonly TrainingPosition Position = new(12, 24, 1.1 / 3, 77, 4, 8, 0.1 + 0.2);

    [Fact]
    public void State_ComesBackToTheBit()
    {
        using var folder = new TemporaryFolder();
        var store = new CheckpointStore(folder.Path);
        store.Save(Position, Tensors(3));
        StoredState read = store.LoadLatest(Assert.Fail)!;
        Assert.Equal(Position, read.Position);
        Assert.Equal(Tensors(3)[1].Values, read.Tensors["optimizer/a/first"].Values);
        Assert.Equal([2L, 2L], read.Tensors["weights/a"].Shape);
    }

    [Fact]
    public void Empty_IsNoCheckpoint()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(new CheckpointStore(folder["new"]).LoadLatest(Assert.Fail));
    }

    [Fact]
    public void LastTwo_AreKept()
    {
        using var folder = new TemporaryFolder();
        var store = new CheckpointStore(folder.Path);
        for (int step = 1; step <= 4; step++)
        {
            store.Save(Position with { Step = step }, Tensors(step));
        }

        Assert.Equal([4L, 3L], store.Steps());
        Assert.Equal(4, Directory.GetFiles(folder.Path).Length);
    }

    [Theory]
    [InlineData("step-000000002.safetensors", 0)]
    [InlineData("step-000000002.safetensors", -1)]
    [InlineData("step-000000002.json", 30)]
    public void DamagedNewest_GivesWayToTheOneBefore(string name, int at)
    {
        using var folder = new TemporaryFolder();
        CheckpointStore store = TwoIn(folder);
        byte[] bytes = File.ReadAllBytes(folder[name]);
        bytes[at < 0 ? ^1 : at] ^= 1;
        File.WriteAllBytes(folder[name], bytes);
        var warnings = new List<string>();
        Assert.Equal(1, store.LoadLatest(warnings.Add)!.Position.Step);
        Assert.Contains("step 2 cannot be used", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("step-000000002.safetensors")]
    [InlineData("step-000000002.json")]
    public void TruncatedNewest_GivesWayAtEveryLength(string name)
    {
        using var folder = new TemporaryFolder();
        CheckpointStore store = TwoIn(folder);
        byte[] bytes = File.ReadAllBytes(folder[name]);
        for (int length = 0; length < bytes.Length - 1; length += 7)
        {
            File.WriteAllBytes(folder[name], bytes[..length]);
            Assert.Equal(1, store.LoadLatest(static _ => { })!.Position.Step);
        }

        File.Delete(folder["step-000000002.safetensors"]);
        Assert.Equal(1, store.LoadLatest(static _ => { })!.Position.Step);
    }

    [Fact]
    public void AllDamaged_IsAnErrorThatSaysSo()
    {
        using var folder = new TemporaryFolder();
        CheckpointStore store = TwoIn(folder);
        foreach (string path in Directory.GetFiles(folder.Path, "*.json"))
        {
            File.WriteAllText(path, "{}");
        }

        Assert.Contains("no checkpoint can be used", Assert.Throws<FileFormatException>(() => store.LoadLatest(static _ => { })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Leftovers_OfAKilledWriterGo()
    {
        using var folder = new TemporaryFolder();
        CheckpointStore store = TwoIn(folder);
        File.WriteAllText(folder[".half.tmp"], "x");
        File.WriteAllText(folder["step-000000003.safetensors"], "without a record");
        Assert.Equal(2, store.LoadLatest(Assert.Fail)!.Position.Step);
        Assert.Equal(4, Directory.GetFiles(folder.Path).Length);
    }

    private static CheckpointStore TwoIn(TemporaryFolder folder)
    {
        var store = new CheckpointStore(folder.Path);
        store.Save(Position with { Step = 1 }, Tensors(1));
        store.Save(Position with { Step = 2 }, Tensors(2));
        return store;
    }

    private static StateTensor[] Tensors(int seed) =>
        [new("weights/a", [2, 2], [seed, 0.1f, float.Epsilon, -0f]), new("optimizer/a/first", [2, 2], [1f / 3, seed, 0, float.MaxValue])];
}
