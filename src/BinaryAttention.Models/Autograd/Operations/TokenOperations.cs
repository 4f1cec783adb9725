// Between images and tokens:  patch (py, px), input (c, y, x) = image[c, py size + y, px size + x];  tokens = [special tokens | patches] + positions;  and single tokens or their mean out of a sequence.
using System.Numerics.Tensors;

namespace BinaryAttention.Models.Autograd.Operations;

/// <summary>From images to tokens, and from sequences of tokens to single ones.</summary>
public static class TokenOperations
{
    /// <summary>Cuts images into square patches, in the order in which a convolution weight <c>[outputs, channels, size, size]</c> reads them.</summary>
    /// <param name="images"><c>[batch, channels, height, width]</c>; both sides multiples of the patch.</param>
    /// <param name="patchSize">Pixels along a side of a patch.</param>
    /// <returns><c>[batch, patches, channels * size * size]</c>, patches row by row.</returns>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Variable Patches(this Variable images, int patchSize)
    {
        ArgumentNullException.ThrowIfNull(images);
        TensorShape.Rank(images, 4, "[batch, channels, height, width]");
        int batch = images.Shape[0], channels = images.Shape[1], height = images.Shape[2], width = images.Shape[3];
        if (patchSize < 1 || height % patchSize != 0 || width % patchSize != 0)
        {
            throw new ArgumentException($"{images} cannot be cut into patches of {patchSize}; both sides must be multiples of the patch. Resize or crop the images.", nameof(patchSize));
        }

        Tape tape = images.Tape;
        int columns = width / patchSize, count = height / patchSize * columns, length = channels * patchSize * patchSize;
        Variable patches = tape.Create(tape.Named("patches"), batch, count, length);
        tape.Loop.Tiles.Run(batch, (item, _) => Copy(images.Buffer.Span, patches.Buffer.Span, item, unfold: true), CancellationToken.None);
        return tape.Record(patches, images.RequiresGradient, () =>
        {
            PooledBuffer gradient = tape.Rent(images.Length);
            tape.Loop.Tiles.Run(batch, (item, _) => Copy(gradient.Span, patches.GradientBuffer.Span, item, unfold: false), CancellationToken.None);
            images.Adopt(gradient);
        });

        void Copy(Span<float> pixels, Span<float> unfolded, int item, bool unfold)
        {
            int at = item * count * length;
            for (int patch = 0; patch < count; patch++)
            {
                int corner = (item * channels * height * width) + (patch / columns * patchSize * width) + (patch % columns * patchSize);
                for (int row = 0; row < channels * patchSize; row++, at += patchSize)
                {
                    Span<float> line = pixels.Slice(corner + (((row / patchSize * height) + (row % patchSize)) * width), patchSize), place = unfolded.Slice(at, patchSize);
                    if (unfold)
                    {
                        line.CopyTo(place);
                    }
                    else
                    {
                        place.CopyTo(line);
                    }
                }
            }
        }
    }

    /// <summary>Puts special tokens before the patches and adds the position embedding.</summary>
    /// <param name="patches"><c>[batch, patches, width]</c>.</param>
    /// <param name="specialTokens">The special tokens in order, <c>[width]</c> each.</param>
    /// <param name="positions"><c>[special + patches, width]</c>.</param>
    /// <returns><c>[batch, special + patches, width]</c>.</returns>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static Variable Tokens(this Variable patches, IReadOnlyList<Parameter> specialTokens, Parameter positions)
    {
        ArgumentNullException.ThrowIfNull(patches);
        ArgumentNullException.ThrowIfNull(specialTokens);
        ArgumentNullException.ThrowIfNull(positions);
        TensorShape.Rank(patches, 3, "[batch, patches, width]");
        int batch = patches.Shape[0], width = patches.Shape[2], special = specialTokens.Count, tokens = special + patches.Shape[1];
        TensorShape.Length(positions, tokens * width, $"{tokens} tokens of {width} channels");
        foreach (Parameter token in specialTokens)
        {
            TensorShape.Length(token, width, $"{width} channels");
        }

        Tape tape = patches.Tape;
        Variable y = tape.Create(tape.Named("tokens"), batch, tokens, width);
        for (int item = 0; item < batch; item++)
        {
            Span<float> target = y.Buffer.Span.Slice(item * tokens * width, tokens * width);
            for (int token = 0; token < special; token++)
            {
                specialTokens[token].Values.CopyTo(target[(token * width)..]);
            }

            patches.Buffer.Span.Slice(item * (tokens - special) * width, (tokens - special) * width).CopyTo(target[(special * width)..]);
            TensorPrimitives.Add(target, positions.Values, target);
        }

        return tape.Record(y, patches.RequiresGradient || positions.IsTrainable || specialTokens.Any(static token => token.IsTrainable), () =>
        {
            PooledBuffer gradient = tape.Rent(patches.Length);
            for (int item = 0; item < batch; item++)
            {
                ReadOnlySpan<float> upstream = y.GradientBuffer.Span.Slice(item * tokens * width, tokens * width);
                for (int token = 0; token < special; token++)
                {
                    AddTo(specialTokens[token], upstream.Slice(token * width, width));
                }

                AddTo(positions, upstream);
                upstream[(special * width)..].CopyTo(gradient.Span[(item * (tokens - special) * width)..]);
            }

            if (patches.RequiresGradient)
            {
                patches.Adopt(gradient);
            }
            else
            {
                tape.Return(gradient);
            }
        });
    }

    /// <summary>One token of every sequence.</summary>
    /// <param name="x"><c>[batch, tokens, width]</c>.</param>
    /// <param name="token">Which, from 0.</param>
    /// <returns><c>[batch, width]</c>.</returns>
    /// <exception cref="ArgumentException">There is no such token, or the shape is another.</exception>
    public static Variable Token(this Variable x, int token)
    {
        ArgumentNullException.ThrowIfNull(x);
        TensorShape.Rank(x, 3, "[batch, tokens, width]");
        int batch = x.Shape[0], tokens = x.Shape[1], width = x.Shape[2];
        if (token < 0 || token >= tokens)
        {
            throw new ArgumentOutOfRangeException(nameof(token), token, $"{x} has tokens 0 to {tokens - 1}.");
        }

        Variable y = x.Tape.Create(x.Tape.Named("token"), batch, width);
        for (int item = 0; item < batch; item++)
        {
            x.Buffer.Span.Slice(((item * tokens) + token) * width, width).CopyTo(y.Buffer.Span[(item * width)..]);
        }

        return x.Tape.Record(y, x.RequiresGradient, () =>
        {
            PooledBuffer gradient = x.Tape.Rent(x.Length);
            gradient.Span.Clear();
            for (int item = 0; item < batch; item++)
            {
                y.GradientBuffer.Span.Slice(item * width, width).CopyTo(gradient.Span[(((item * tokens) + token) * width)..]);
            }

            x.Adopt(gradient);
        });
    }

    /// <summary>The mean over the tokens of every sequence.</summary>
    /// <param name="x"><c>[batch, tokens, width]</c>.</param>
    /// <param name="firstToken">Tokens before it are left out: special tokens.</param>
    /// <returns><c>[batch, width]</c>.</returns>
    /// <exception cref="ArgumentException">No token is left, or the shape is another.</exception>
    public static Variable MeanToken(this Variable x, int firstToken = 0)
    {
        ArgumentNullException.ThrowIfNull(x);
        TensorShape.Rank(x, 3, "[batch, tokens, width]");
        int batch = x.Shape[0], tokens = x.Shape[1], width = x.Shape[2], count = tokens - firstToken;
        if (firstToken < 0 || count < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(firstToken), firstToken, $"{x} has tokens 0 to {tokens - 1}.");
        }

        Variable y = x.Tape.Create(x.Tape.Named("mean"), batch, width);
        for (int item = 0; item < batch; item++)
        {
            Span<float> target = y.Buffer.Span.Slice(item * width, width);
            target.Clear();
            for (int token = firstToken; token < tokens; token++)
            {
                TensorPrimitives.Add(target, x.Buffer.Span.Slice(((item * tokens) + token) * width, width), target);
            }

            TensorPrimitives.Divide(target, count, target);
        }

        return x.Tape.Record(y, x.RequiresGradient, () =>
        {
            PooledBuffer gradient = x.Tape.Rent(x.Length);
            gradient.Span.Clear();
            for (int item = 0; item < batch; item++)
            {
                for (int token = firstToken; token < tokens; token++)
                {
                    TensorPrimitives.Divide(y.GradientBuffer.Span.Slice(item * width, width), count, gradient.Span.Slice(((item * tokens) + token) * width, width));
                }
            }

            x.Adopt(gradient);
        });
    }

    private static void AddTo(Parameter parameter, ReadOnlySpan<float> gradient)
    {
        if (parameter.IsTrainable)
        {
            TensorPrimitives.Add(parameter.Gradient, gradient, parameter.Gradient);
        }
    }
}
