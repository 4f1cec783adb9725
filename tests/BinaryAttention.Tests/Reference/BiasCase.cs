// A bias of each form with its index rule written from the documentation, not from the library.
namespace BinaryAttention.Tests.Reference;

internal sealed record BiasCase(float[] Values, AttentionBias Bias, Func<int, int, int, int, int> Index)
{
    public static readonly string[] Names = ["per-key", "per-key shared", "dense", "dense shared heads", "relative with class token", "relative without class token"];

    /// <summary>Makes the named bias for a shape; a relative bias takes grid 2 x 2 (with class token: 5 tokens) or 1 x 5 (5 tokens).</summary>
    public static BiasCase Make(string name, AttentionShape shape)
    {
        int batch = shape.BatchSize;
        int heads = shape.HeadCount;
        int queries = shape.QueryLength;
        int keys = shape.KeyLength;
        float[] Numbers(int count) => GaussianData.Make(count, 77);
        switch (name)
        {
            case "per-key":
                float[] perKey = Numbers(batch * heads * keys);
                return new BiasCase(perKey, AttentionBias.PerKey(perKey, batch, heads, keys), (b, h, _, j) => (((b * heads) + h) * keys) + j);
            case "per-key shared":
                float[] sharedKey = Numbers(keys);
                return new BiasCase(sharedKey, AttentionBias.PerKey(sharedKey, 1, 1, keys), static (_, _, _, j) => j);
            case "dense":
                float[] dense = Numbers(batch * heads * queries * keys);
                return new BiasCase(dense, AttentionBias.Dense(dense, batch, heads, queries, keys), (b, h, i, j) => (((((b * heads) + h) * queries) + i) * keys) + j);
            case "dense shared heads":
                float[] sharedHeads = Numbers(batch * queries * keys);
                return new BiasCase(sharedHeads, AttentionBias.Dense(sharedHeads, batch, 1, queries, keys), (b, _, i, j) => (((b * queries) + i) * keys) + j);
            case "relative with class token":
                float[] table = Numbers(12 * heads);
                int[,] rows =
                {
                    { 11, 9, 9, 9, 9 },
                    { 10, 4, 3, 1, 0 },
                    { 10, 5, 4, 2, 1 },
                    { 10, 7, 6, 4, 3 },
                    { 10, 8, 7, 5, 4 },
                };
                return new BiasCase(table, AttentionBias.RelativePosition(table, heads, 2, 2), (_, h, i, j) => (rows[i, j] * heads) + h);
            case "relative without class token":
                float[] line = Numbers(9);
                return new BiasCase(line, AttentionBias.RelativePosition(line, 1, 1, 5, hasClassToken: false), static (_, _, i, j) => i - j + 4);
            default:
                throw new ArgumentOutOfRangeException(nameof(name), name, "Expected one of Names.");
        }
    }
}
