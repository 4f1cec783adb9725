// Rotation, shear, scale and translation as one map from result to source coordinates (pixel centres at half units), sampled bilinearly. A sample whose place lies outside the
// picture has the fill's levels.
namespace BinaryAttention.Models.Training.Data.Augmentation;

/// <summary>Source x = <c>XX * x + XY * y + X0</c>, source y = <c>YX * x + YY * y + Y0</c>.</summary>
internal readonly record struct Affine(double XX, double XY, double X0, double YX, double YY, double Y0)
{
    /// <summary>Turns and scales about the centre of a picture, then moves it.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="degrees">Angle; the picture turns against the clock.</param>
    /// <param name="scale">Above 1 enlarges.</param>
    /// <param name="shearX">Columns moved per row below the centre.</param>
    /// <param name="shearY">Rows moved per column right of the centre.</param>
    /// <param name="moveX">Pixels to the right.</param>
    /// <param name="moveY">Pixels down.</param>
    public static Affine About(ByteImage image, double degrees = 0, double scale = 1, double shearX = 0, double shearY = 0, double moveX = 0, double moveY = 0)
    {
        double angle = degrees * Math.PI / 180, cosine = Math.Cos(angle) / scale, sine = Math.Sin(angle) / scale;
        double xx = cosine - (sine * shearY), xy = -sine + (cosine * shearX);
        double yx = sine + (cosine * shearY), yy = cosine + (sine * shearX);
        double centreX = image.Width / 2.0, centreY = image.Height / 2.0;
        return new Affine(xx, xy, centreX - (xx * (centreX + moveX)) - (xy * (centreY + moveY)), yx, yy, centreY - (yx * (centreX + moveX)) - (yy * (centreY + moveY)));
    }

    public ByteImage Apply(ByteImage image, ReadOnlySpan<byte> fill)
    {
        int width = image.Width, height = image.Height, channels = image.Channels;
        var pixels = new byte[image.Pixels.Length];
        int at = 0;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double sourceX = (XX * (x + 0.5)) + (XY * (y + 0.5)) + X0, sourceY = (YX * (x + 0.5)) + (YY * (y + 0.5)) + Y0;
                if (sourceX < 0 || sourceX >= width || sourceY < 0 || sourceY >= height)
                {
                    for (int channel = 0; channel < channels; channel++)
                    {
                        pixels[at++] = fill[channel];
                    }

                    continue;
                }

                // The half pixel at the border repeats the outermost centre.
                double cornerX = Math.Clamp(sourceX - 0.5, 0, width - 1), cornerY = Math.Clamp(sourceY - 0.5, 0, height - 1);
                int left = (int)cornerX, top = (int)cornerY, right = Math.Min(left + 1, width - 1), bottom = Math.Min(top + 1, height - 1);
                double partX = cornerX - left, partY = cornerY - top;
                for (int channel = 0; channel < channels; channel++)
                {
                    double upper = image[top, left, channel] + (partX * (image[top, right, channel] - image[top, left, channel]));
                    double lower = image[bottom, left, channel] + (partX * (image[bottom, right, channel] - image[bottom, left, channel]));
                    pixels[at++] = (byte)(upper + (partY * (lower - upper)) + 0.5);
                }
            }
        }

        return new ByteImage(width, height, channels, pixels);
    }
}
