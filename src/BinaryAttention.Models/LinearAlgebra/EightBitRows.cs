// Activations in 8 bits, each row (token) on its own grid of 256 values from its smallest to its largest number:
//
//   step = (largest - smallest) / 255        a[k] = round((x[k] - smallest) / step)        x[k] is about smallest + step * a[k]
//
// so that an activation function's one-sided outputs lose nothing. A row with a NaN or an infinity gets low = NaN, which makes all its outputs NaN. Room for one worker's block of rows, reused.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BinaryAttention.Models.LinearAlgebra;

internal sealed unsafe class EightBitRows
{
    // Keeps the inverse finite; a row this narrow is one number as far as float32 sums can tell.
    private const float SmallestStep = 1e-30f;

    // Quantisation writes whole vectors. A kernel may also read a whole tile of rows where fewer exist, and throw their sums away.
    private const int SlackBytes = 64;

    private AlignedBuffer<int> _words = new(0);
    private AlignedBuffer<byte> _bytes = new(0);
    private AlignedBuffer<float> _steps = new(0);
    private AlignedBuffer<float> _lows = new(0);

    /// <summary>Activation words, <c>[rows, words]</c>.</summary>
    public int* Words => _words.Pointer;

    public float* Steps => _steps.Pointer;

    /// <summary>The smallest number of every row.</summary>
    public float* Lows => _lows.Pointer;

    /// <summary>Quantises rows for a layer.</summary>
    /// <param name="x"><c>[rows, inputs]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="weights">The layer, which says how words are laid out.</param>
    public void Quantize(float* x, int rows, EightBitMatrix weights)
    {
        int words = weights.Words;
        if (_steps.Length < rows)
        {
            _steps = new AlignedBuffer<float>(rows);
            _lows = new AlignedBuffer<float>(rows);
        }

        if (_words.Length < ((rows + EightBitProduct.TileRows - 1) * words) + (SlackBytes / sizeof(int)))
        {
            _words = new AlignedBuffer<int>(checked(((rows + EightBitProduct.TileRows - 1) * words) + (SlackBytes / sizeof(int))));
        }

        if (_bytes.Length < weights.Inputs + SlackBytes)
        {
            _bytes = new AlignedBuffer<byte>(weights.Inputs + SlackBytes);
        }

        bool isBytes = weights.Kernel.WordChannels() == sizeof(int);
        for (int row = 0; row < rows; row++)
        {
            float* from = x + ((nint)row * weights.Inputs);
            int* to = _words.Pointer + ((nint)row * words);
            new Span<int>(to + words - weights.Kernel.WordMultiple(), weights.Kernel.WordMultiple()).Clear();
            byte* bytes = isBytes ? (byte*)to : _bytes.Pointer;
            if (Vector512.IsHardwareAccelerated)
            {
                Row<Vector512<float>, Operations512>(from, weights.Inputs, bytes, out _steps.Pointer[row], out _lows.Pointer[row]);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Row<Vector256<float>, Operations256>(from, weights.Inputs, bytes, out _steps.Pointer[row], out _lows.Pointer[row]);
            }
            else
            {
                Row<Vector128<float>, Operations128>(from, weights.Inputs, bytes, out _steps.Pointer[row], out _lows.Pointer[row]);
            }

            if (!isBytes)
            {
                Widen(bytes, weights.Inputs, (ushort*)to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<TVector, TOperations>(float* x, int length, byte* bytes, out float step, out float low)
        where TVector : struct
        where TOperations : struct, IVectorOperations<TVector>
    {
        int whole = length - (length % TOperations.Count);
        float smallest = float.PositiveInfinity, largest = float.NegativeInfinity, check = 0;
        if (whole > 0)
        {
            TVector least = TOperations.Load(x), most = least, zero = TOperations.Broadcast(0), checks = zero;
            for (int i = 0; i < whole; i += TOperations.Count)
            {
                TVector values = TOperations.Load(x + i);
                least = TOperations.Min(least, values);
                most = TOperations.Max(most, values);

                // 0 times a number is 0; times a NaN or an infinity it is NaN.
                checks = TOperations.MultiplyAdd(values, zero, checks);
            }

            (smallest, largest, check) = (TOperations.Smallest(least), TOperations.Largest(most), TOperations.Sum(checks));
        }

        for (int i = whole; i < length; i++)
        {
            smallest = MathF.Min(smallest, x[i]);
            largest = MathF.Max(largest, x[i]);
            check += x[i] * 0;
        }

        step = MathF.Max((largest / 255) - (smallest / 255), SmallestStep);
        low = float.IsNaN(check) ? float.NaN : smallest;
        float inverse = 1 / step;
        TVector lows = TOperations.Broadcast(smallest), inverses = TOperations.Broadcast(inverse), limit = TOperations.Broadcast(255);
        for (int i = 0; i < whole; i += TOperations.Count)
        {
            TVector scaled = TOperations.Multiply(TOperations.Subtract(TOperations.Load(x + i), lows), inverses);
            TOperations.StoreBytes(TOperations.Min(scaled, limit), bytes + i);
        }

        for (int i = whole; i < length; i++)
        {
            float scaled = (x[i] - smallest) * inverse;
            bytes[i] = scaled < 255 ? (byte)MathF.Round(scaled) : (byte)255;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(byte* bytes, int length, ushort* shorts)
    {
        int i = 0;
        for (; i <= length - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            (Vector128<ushort> lower, Vector128<ushort> upper) = Vector128.Widen(Vector128.Load(bytes + i));
            lower.Store(shorts + i);
            upper.Store(shorts + i + Vector128<ushort>.Count);
        }

        for (; i < length; i++)
        {
            shorts[i] = bytes[i];
        }
    }
}
