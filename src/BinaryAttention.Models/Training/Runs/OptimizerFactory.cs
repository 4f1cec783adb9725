// From the sections of a configuration to an optimiser and its learning rates; the schedules count epochs.
using BinaryAttention.Models.Autograd;
using BinaryAttention.Models.Training.Configuration;
using BinaryAttention.Models.Training.Optimizers;
using BinaryAttention.Models.Training.Schedules;

namespace BinaryAttention.Models.Training.Runs;

internal static class OptimizerFactory
{
    public static Optimizer Create(OptimizerSection section, ParameterSet parameters)
    {
        var adam = new AdamOptions { Beta1 = section.Momentum, Beta2 = section.SecondMomentum, Epsilon = section.Epsilon, WeightDecay = section.WeightDecay };
        return section.Kind switch
        {
            "adam" => new Adam(parameters, adam),
            "sgd" => new Sgd(parameters, new SgdOptions { Momentum = section.Momentum, WeightDecay = section.WeightDecay }),
            _ => new AdamW(parameters, adam),
        };
    }

    public static ILearningRateSchedule Schedule(ScheduleSection section, double rate, int epochs) => section.Kind switch
    {
        "step" => new StepSchedule(rate, section.StepEpochs, section.StepFactor) { WarmUp = section.WarmUpEpochs, WarmUpFactor = section.WarmUpLearningRate / rate },
        "constant" => new StepSchedule(rate, epochs, 1) { WarmUp = section.WarmUpEpochs, WarmUpFactor = section.WarmUpLearningRate / rate },
        _ => new CosineSchedule(rate, epochs) { MinimumRate = section.MinimumLearningRate, WarmUp = section.WarmUpEpochs, WarmUpRate = section.WarmUpLearningRate },
    };
}
