using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Recognition;

/// <summary>Which pictures of a set a calibration fits on, and on which it is measured.</summary>
/// <param name="Set">All pictures.</param>
/// <param name="Fit">Those to fit on.</param>
/// <param name="Test">Those to measure on.</param>
/// <param name="IsTestFit">Whether there were no others to measure on.</param>
/// <param name="HasLabels">Whether the classes are known.</param>
/// <param name="Name">Names a picture.</param>
/// <param name="Digest">SHA-256 of the names fitted on, one a line.</param>
/// <param name="Normalisation">Mean and deviation that pixels were normalised with, as text.</param>
/// <param name="Preprocessing">How photographs were prepared; null for grey pictures.</param>
internal sealed record CalibrationPictures(
    IEvaluationSet Set, int[] Fit, int[] Test, bool IsTestFit, bool HasLabels, Func<int, string> Name, string Digest, string Normalisation, ImagePreprocessing? Preprocessing);
