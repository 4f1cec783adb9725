// One picture file as the input of a network. Whatever is wrong with a single file comes as one kind of exception, so that the others can go on.
using BinaryAttention.Formats;
using BinaryAttention.Formats.Images;

namespace BinaryAttention.Cli.Recognition;

internal static class PictureReader
{
    /// <summary>Decodes and preprocesses a picture: <c>[3, CropSize, CropSize]</c>.</summary>
    /// <exception cref="FileFormatException">The file is damaged, cannot be read, or its picture does not fit the preprocessing.</exception>
    public static float[] Read(string path, ImagePreprocessing preprocessing)
    {
        try
        {
            return preprocessing.Apply(ImageDecoder.DecodeFile(path));
        }
        catch (ArgumentException problem)
        {
            throw new FileFormatException(path, PlainMessage.Of(problem), innerException: problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException(path, $"the file cannot be read: {problem.Message}", innerException: problem);
        }
    }
}
