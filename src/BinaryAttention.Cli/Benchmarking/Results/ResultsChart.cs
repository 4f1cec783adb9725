using BinaryAttention.Models.Reports;

namespace BinaryAttention.Cli.Benchmarking.Results;

/// <summary>One picture of a results folder.</summary>
/// <param name="FileName">Its name as a file, without extension.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Horizontal">The axis to the right.</param>
/// <param name="Vertical">The axis upwards.</param>
/// <param name="Series">The lines.</param>
internal sealed record ResultsChart(string FileName, string Title, ChartAxis Horizontal, ChartAxis Vertical, IReadOnlyList<ChartSeries> Series);
