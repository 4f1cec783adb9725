// Stage C in Full mode: sums[row][channel] = sum over selected keys of exponential * value, in float, chunk by chunk: one float sum over a million keys would lose four digits.
using System.Runtime.CompilerServices;

namespace BinaryAttention.Kernels.Simd;

internal static unsafe class FloatValueProduct<TFloat, TFloatLanes>
    where TFloat : struct
    where TFloatLanes : struct, IFloatLanes<TFloat>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(BinaryScratch scratch, float* values, int paddedKeys, int panels)
    {
        int panelColumns = FloatProduct<TFloat, TFloatLanes>.PanelColumns;
        int columns = panels * panelColumns;
        bool accumulate = false;
        foreach (KeyRun run in scratch.Selection.Runs)
        {
            for (int key = 0; key < run.Keys; key += BinaryScratch.ChunkKeys)
            {
                int count = Math.Min(BinaryScratch.ChunkKeys, run.Keys - key);
                for (int panel = 0; panel < panels; panel++)
                {
                    float* chunk = values + (((long)panel * paddedKeys) + run.FirstKey + key) * panelColumns;
                    FloatProduct<TFloat, TFloatLanes>.Multiply(scratch.FloatRows + run.Position + key, scratch.PaddedKeys, chunk, count, scratch.FloatSums + (panel * panelColumns), columns, accumulate);
                }

                accumulate = true;
            }
        }
    }
}
