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
        var store = new CheckpointStore(folder.Path, 2);
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
        Assert.Null(new CheckpointStore(folder["new"], 2).LoadLatest(Assert.Fail));
    }

    [Fact]
    public void LastTwo_AreKept()
    {
        using var folder = new TemporaryFolder();
        var store = new CheckpointStore(folder.Path, 2);
        for (int step = 1; step <= 4; step++)
        {
            store.Save(At(step), Tensors(step));
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
        File.WriteAllText(folder[$".{Guid.NewGuid():N}.tmp"], "x");
        File.WriteAllText(folder[$"step-000000003.json.{Guid.NewGuid():N}.tmp"], "x");
        File.WriteAllText(folder["step-000000003.safetensors"], "without a record");
        Assert.Equal(2, store.LoadLatest(Assert.Fail)!.Position.Step);
        Assert.Equal(4, Directory.GetFiles(folder.Path).Length);
    }

    [Theory]
    [InlineData("notes.tmp")]
    [InlineData(".half.tmp")]
    [InlineData("step-best.safetensors")]
    [InlineData("model.0123456789abcdef0123456789abcdef.tmp")]
    [InlineData("step-best.json")]
    public void OtherFiles_Stay(string name)
    {
        using var folder = new TemporaryFolder();
        CheckpointStore store = TwoIn(folder);
        File.WriteAllText(folder[name], "mine");
        Assert.Equal(2, store.LoadLatest(Assert.Fail)!.Position.Step);
        store.Save(At(3), Tensors(3));
        Assert.Equal("mine", File.ReadAllText(folder[name]));
        Assert.Equal([3L, 2], store.Steps());
    }

    [Fact]
    public void Record_WithAnyBitChangedGivesWay_OrSaysTheSame()
    {
        using var folder = new TemporaryFolder();
        CheckpointStore store = TwoIn(folder);
        byte[] bytes = File.ReadAllBytes(folder["step-000000002.json"]);
        int damaged = 0;
        for (int bit = 0; bit < 8 * bytes.Length; bit += 3)
        {
            byte[] changed = [.. bytes];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(folder["step-000000002.json"], changed);
            StoredState read = store.LoadLatest(_ => damaged++)!;
            Assert.True(read.Position == At(1) || read.Position == At(2), $"bit {bit} gave {read.Position}");
        }

        Assert.True(damaged > bytes.Length, $"{damaged} of {8 * bytes.Length / 3} were found");
    }

    [Fact]
    public void Batches_ThatDoNotBelongToTheStepAreDamage()
    {
        using var folder = new TemporaryFolder();
        TwoIn(folder);
        Assert.Contains("3 batches a step", Assert.Throws<FileFormatException>(() => new CheckpointStore(folder.Path, 3).LoadLatest(static _ => { })).Message, StringComparison.Ordinal);
    }

    private static CheckpointStore TwoIn(TemporaryFolder folder)
    {
        var store = new CheckpointStore(folder.Path, 2);
        store.Save(At(1), Tensors(1));
        store.Save(At(2), Tensors(2));
        return store;
    }

    private static TrainingPosition At(long step) => Position with { Step = step, Batch = 2 * step };

    private static StateTensor[] Tensors(int seed) =>
        [new("weights/a", [2, 2], [seed, 0.1f, float.Epsilon, -0f]), new("optimizer/a/first", [2, 2], [1f / 3, seed, 0, float.MaxValue])];
}
