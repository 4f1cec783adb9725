// Learns the codes of one head (recipes B and C): Adam (Kingma and Ba 2015) on the weighted divergence of the attention rows, a few images a step in a random order,
// step sizes relative to what is learned and falling to 0 along a cosine. One thread and one order of operations: the same seed gives the same bits.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Calibration;

internal sealed class CodeLearner
{
    private const float FirstDecay = 0.9f;
    private const float SecondDecay = 0.999f;

    // Gradients are far below 1: the usual 1e-8 would weigh.
    private const float Epsilon = 1e-12f;

    private readonly HeadCode _code;
    private readonly HeadActivations _head;
    private readonly CalibrationOptions _options;
    private readonly CodeGradient _gradient;
    private readonly Tensor[] _tensors;
    private readonly Tensor _temperature;

    public CodeLearner(HeadCode code, HeadActivations head, CalibrationOptions options, float[] rowWeights)
    {
        (_code, _head, _options) = (code, head, options);
        _gradient = new CodeGradient(code, head, rowWeights);
        HeadCode sums = _gradient.Sums;
        float step = options.StepSize;
        float query = step * Mean(code.QueryWeight), key = step * Mean(code.KeyWeight), queryFactor = step * Mean(code.QueryFactor), keyFactor = step * Mean(code.KeyFactor);

        // Biases decide which half of the tokens gets a 1, the bias per key is one number: both may move faster.
        _temperature = new Tensor([code.Temperature], new float[1], step * code.Temperature);
        _tensors =
        [
            new Tensor(code.QueryWeight, sums.QueryWeight, query), new Tensor(code.QueryBias, sums.QueryBias, 4 * query),
            new Tensor(code.KeyWeight, sums.KeyWeight, key), new Tensor(code.KeyBias, sums.KeyBias, 4 * key),
            new Tensor(code.BiasWeight, sums.BiasWeight, 2 * step * Mean(code.BiasWeight)),
            new Tensor(code.QueryFactor, sums.QueryFactor, queryFactor), new Tensor(code.QueryFactorBias, sums.QueryFactorBias, 4 * queryFactor),
            new Tensor(code.KeyFactor, sums.KeyFactor, keyFactor), new Tensor(code.KeyFactorBias, sums.KeyFactorBias, 4 * keyFactor),
            _temperature,
        ];
    }

    /// <summary>Changes the codes in place; ends early when a budget is used up.</summary>
    public void Run(ulong seed, CalibrationBudget? budget, CancellationToken cancellationToken)
    {
        var random = new SplitMix64(seed);
        int[] order = [];
        int next = 0;
        for (int step = 0; step < _options.Steps && budget is not { IsOver: true }; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _gradient.Clear();
            for (int i = 0; i < _options.ImagesPerStep; i++)
            {
                if (next == order.Length)
                {
                    order = random.Permutation(_head.ImageCount);
                    next = 0;
                }

                _gradient.Add(_code, order[next++], 1f / _options.ImagesPerStep);
            }

            _temperature.Gradient[0] = _gradient.Sums.Temperature;
            float share = 0.5f * (1 + MathF.Cos(MathF.PI * step / _options.Steps));
            foreach (Tensor tensor in _tensors)
            {
                tensor.Move(step + 1, share);
            }

            _code.Temperature = _temperature.Values[0];
        }
    }

    private static float Mean(float[] values)
    {
        // Padding is 0 and must not count.
        int count = values.Count(static value => value != 0);
        return count == 0 ? 0 : TensorPrimitives.SumOfMagnitudes<float>(values) / count;
    }

    /// <summary>Values that are learned, their gradient, and Adam's two moments.</summary>
    private sealed class Tensor(float[] values, float[] gradient, float stepSize)
    {
        private readonly float[] _first = new float[values.Length];
        private readonly float[] _second = new float[values.Length];

        public float[] Values => values;

        public float[] Gradient => gradient;

        public void Move(int step, float share)
        {
            float firstScale = 1 / (1 - MathF.Pow(FirstDecay, step)), secondScale = 1 / (1 - MathF.Pow(SecondDecay, step)), length = stepSize * share * firstScale;
            for (int i = 0; i < values.Length; i++)
            {
                float slope = gradient[i];
                _first[i] = (FirstDecay * _first[i]) + ((1 - FirstDecay) * slope);
                _second[i] = (SecondDecay * _second[i]) + ((1 - SecondDecay) * slope * slope);
                values[i] -= length * _first[i] / (MathF.Sqrt(_second[i] * secondScale) + Epsilon);
            }
        }
    }
}
