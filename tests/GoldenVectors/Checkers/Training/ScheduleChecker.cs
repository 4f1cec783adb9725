// F_schedules: learning rates over time.
using System.Text.Json;
using BinaryAttention.Models.Training.Schedules;

namespace GoldenVectors;

internal sealed class ScheduleChecker : IGoldenChecker
{
    private const double Tolerance = 1e-12;

    public bool Handles(GoldenFile file) => file.Case == "schedules";

    public GoldenReport Check(GoldenFile file)
    {
        var report = new GoldenReport(file);
        JsonElement step = file.MetadataJson("linear_step"), cosine = file.MetadataJson("cosine");
        var stepped = new StepSchedule(Number(step, "base_lr"), Number(step, "step_size"), Number(step, "gamma")) { WarmUp = Number(step, "total_iters"), WarmUpFactor = Number(step, "start_factor") };
        report.RelativeToMaximum("linear_step/lr_per_iteration", Rates(stepped, (int)Number(step, "iterations"), static i => i), Tolerance);
        var waving = new CosineSchedule(Number(cosine, "base_lr"), Number(cosine, "epochs")) { MinimumRate = Number(cosine, "min_lr"), WarmUp = Number(cosine, "warmup_epochs"), WarmUpRate = Number(cosine, "warmup_lr_init") };
        report.RelativeToMaximum("cosine/get_lr_per_t", Rates(waving, file.Peek("cosine/get_lr_per_t").Count, static t => t), Tolerance);
        report.RelativeToMaximum("cosine/lr_in_effect_per_epoch", Rates(waving, file.Peek("cosine/lr_in_effect_per_epoch").Count, static epoch => Math.Max(0, epoch - 1)), Tolerance);
        report.RelativeToMaximum("sampler_warmup/lr_every_20", Rates(new LinearSchedule(0, 1e-4, 500), file.Peek("sampler_warmup/lr_every_20").Count, static i => 20 * i), Tolerance);
        return report;
    }

    private static double[] Rates(ILearningRateSchedule schedule, int count, Func<int, double> time) => [.. Enumerable.Range(0, count).Select(i => schedule.At(time(i)))];

    private static double Number(JsonElement settings, string name) => settings.GetProperty(name).GetDouble();
}
