// What one worker needs beside its tiles to turn one row of distances into probabilities: the row itself, its logits, bias and key weights.
using BinaryAttention.Bits;
using BinaryAttention.Kernels.Simd;
using BinaryAttention.Quantization;

namespace BinaryAttention.Kernels.Assembled;

internal sealed unsafe class LogitScratch : IDisposable
{
    private readonly NativeBuffer _memory;
    private readonly int _keyLength;

    public LogitScratch(in TilePlan plan, AttentionSpecification specification)
    {
        _keyLength = plan.KeyLength;
        PaddedKeys = KeyCodes.Blocks(plan.KeyLength) * KeyCodes.BlockKeys;
        long padded = PaddedKeys;
        long floats = padded * sizeof(float);
        long distances = plan.PlanePairs * padded;
        long selectedWeights = plan.HasGaps ? specification.KeyPlanes * floats : 0;
        long selectedBias = plan.HasGaps ? floats : 0;
        _memory = new NativeBuffer(padded + (2 * floats) + distances + selectedWeights + selectedBias);
        Words = _memory.As<ulong>();
        Logits = (float*)((byte*)Words + padded);
        BiasRow = Logits + padded;
        Distances = (byte*)(BiasRow + padded);
        SelectedWeights = (float*)(Distances + distances);
        SelectedBias = (float*)((byte*)SelectedWeights + selectedWeights);
    }

    /// <summary>Elements of a row.</summary>
    public int PaddedKeys { get; }

    /// <summary>One row of distances per pair of planes; probabilities take the place of the first.</summary>
    public byte* Distances { get; }

    public float* Logits { get; }

    public float* BiasRow { get; }

    /// <summary>The bias of the selected keys, where these are not the leading ones.</summary>
    public float* SelectedBias { get; }

    /// <summary>Weights of the selected keys plane by plane, where these are not the leading ones.</summary>
    public float* SelectedWeights { get; }

    /// <summary>One bit per selected key.</summary>
    public ulong* Words { get; }

    public void Dispose() => _memory.Dispose();

    /// <summary>Copies the weights of a tile's selected keys.</summary>
    public void SelectWeights(TileSlot* slot, PackedKeyValue keyValue, int keyHead, int keyPlanes)
    {
        for (int plane = 0; plane < keyPlanes; plane++)
        {
            float* weights = keyValue.Weights(plane, keyHead);
            for (int run = 0; run < slot->RunCount; run++)
            {
                int firstKey = slot->Runs[run].FirstBlock * KeyCodes.BlockKeys;
                int count = Math.Min(slot->Runs[run].Blocks * KeyCodes.BlockKeys, _keyLength - firstKey);
                new ReadOnlySpan<float>(weights + firstKey, count).CopyTo(new Span<float>(SelectedWeights + (plane * PaddedKeys) + (slot->Runs[run].Position * KeyCodes.BlockKeys), count));
            }
        }
    }
}
