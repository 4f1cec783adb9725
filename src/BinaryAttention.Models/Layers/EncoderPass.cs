// A stack of transformer blocks at work on a fixed number of images: tokens, projections, the threads and their scratch memory, kept from call to call. Between two attentions every row is on its own,
// so blocks of rows go through output projection, perceptron and the next block's projection in one stage, in a worker's scratch memory:
//
//   embed | project 0 | attend 0 | finish 0, project 1 | attend 1 | ... | finish last
//
// Memory: 5 numbers for every channel of every token, whatever the attention, beside what the attention plans pack. For one call at a time.
using System.Diagnostics;
using BinaryAttention.Models.LinearAlgebra;
using BinaryAttention.Models.Vision;

namespace BinaryAttention.Models.Layers;

internal sealed unsafe class EncoderPass
{
    private readonly PatchEmbedding _patches;
    private readonly TransformerBlock[] _blocks;
    private readonly PlannedAttention _attention;
    private readonly LinearPrecision _precision;
    private readonly StageTimes? _times;
    private readonly int _tokenCount;
    private readonly RowLoop _loop;
    private readonly RowScratch[] _scratches;
    private readonly AlignedBuffer<float> _tokens;
    private readonly AlignedBuffer<float> _projected;
    private readonly AlignedBuffer<float> _attended;
    private readonly LayerRun[] _runs;
    private readonly IAttentionBackend _backend;
    private AlignedBuffer<float>? _normalised;
    private readonly int _blockRows;
    private readonly Action<int, int, int> _embedRows;
    private readonly Action<int, int, int> _layerRows;
    private TransformerBlock? _finishing;
    private int _projecting;
    private float* _image;
    private float* _imageTokens;
    private int _imageHeight;
    private int _imageWidth;

    /// <summary>Makes room for a number of images.</summary>
    /// <param name="patches">The patch embedding.</param>
    /// <param name="blocks">The blocks, prepared for the precision.</param>
    /// <param name="tokenCount">Tokens of an image.</param>
    /// <param name="headCount">Attention heads.</param>
    /// <param name="imageCount">Images.</param>
    /// <param name="attention">The attention options of every block.</param>
    /// <param name="options">Backend, precision, threads.</param>
    public EncoderPass(PatchEmbedding patches, TransformerBlock[] blocks, int tokenCount, int headCount, int imageCount, LayerRun[] attention, VisionTransformerOptions options)
    {
        (_patches, _blocks, _tokenCount, ImageCount) = (patches, blocks, tokenCount, imageCount);
        (_precision, _times) = (options.LinearPrecision, options.Times);
        int width = blocks[0].Width, inner = blocks[0].AttentionWidth, rows = checked(imageCount * tokenCount), wide = Math.Max(blocks[0].HiddenWidth, patches.RoomLength);
        _tokens = new AlignedBuffer<float>(checked(rows * width));
        (_runs, _backend) = (attention, options.Backend);
        bool isCalibrated = Array.Exists(attention, static run => run.IsCalibrated);
        _normalised = isCalibrated ? new AlignedBuffer<float>(checked(rows * width)) : null;
        _projected = new AlignedBuffer<float>(checked(rows * Math.Max(3 * inner, isCalibrated ? blocks.Max(static block => block.Calibrated?.OutputCount ?? 0) : 0)));
        _attended = new AlignedBuffer<float>(checked(rows * inner));
        _blockRows = Math.Min(RowScratch.BlockRows(wide), rows);
        _loop = new RowLoop(RowLoop.Threads(options.MaxDegreeOfParallelism));
        _scratches = [.. Enumerable.Range(0, _loop.Workers).Select(_ => new RowScratch(_blockRows, width, wide))];
        (_embedRows, _layerRows) = (EmbedRows, LayerRows);
        var shape = new AttentionShape(imageCount, headCount, tokenCount, tokenCount, inner / headCount, inner / headCount)
        {
            QueryTokenStride = 3 * inner,
            KeyTokenStride = 3 * inner,
            ValueTokenStride = 3 * inner,
        };
        _attention = new PlannedAttention(shape, [.. attention.Select(static run => run.Options)], options.Backend, _loop.Tiles);
    }

    public int ImageCount { get; }

    /// <summary>The residual stream <c>[images * tokens, width]</c>.</summary>
    public Span<float> Tokens => _tokens.Span;

    private int Width => _blocks[0].Width;

    /// <summary>Fills the tokens of one image: special tokens and positions first, then the patches are added.</summary>
    /// <param name="item">The image's place.</param>
    /// <param name="image">Pixels <c>[channels, height, width]</c>.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <param name="firstTokens">Special tokens and positions <c>[tokens, width]</c>.</param>
    /// <param name="patchCount">Patches of the image.</param>
    /// <param name="cancellationToken">Checked between blocks of rows.</param>
    public void Embed(int item, ReadOnlySpan<float> image, int height, int width, ReadOnlySpan<float> firstTokens, int patchCount, CancellationToken cancellationToken)
    {
        long start = Now();
        firstTokens.CopyTo(_tokens.Span[(item * _tokenCount * Width)..]);

        // SAFETY: the run ends before the pixels are let go; the patches are the last tokens of the image.
        fixed (float* pixels = image)
        {
            _image = pixels;
            (_imageHeight, _imageWidth) = (height, width);
            _imageTokens = _tokens.Pointer + ((((nint)item * _tokenCount) + _tokenCount - patchCount) * Width);
            _loop.Run(patchCount, _blockRows, _embedRows, cancellationToken);
            _image = null;
        }

        if (_times is not null)
        {
            _times.Embedding += Now() - start;
        }
    }

    /// <summary>Runs the first blocks over every token, in place.</summary>
    /// <param name="count">Blocks to run.</param>
    /// <param name="firstTokens">If not 0, the last of these blocks finishes only so many tokens of every image, which it leaves densely packed: a classifier reads nothing else of its last block.</param>
    /// <param name="observed">A backend for every block instead of the pass's, or null.</param>
    /// <param name="cancellationToken">Checked between blocks of rows and inside the attention.</param>
    public void Run(int count, int firstTokens, Func<int, IAttentionBackend>? observed, CancellationToken cancellationToken)
    {
        int rows = ImageCount * _tokenCount, inner = _blocks[0].AttentionWidth;
        Stage(null, count > 0 ? 0 : -1, rows, cancellationToken);
        for (int block = 0; block < count; block++)
        {
            long start = Now();
            bool isClassifying = block == count - 1 && firstTokens > 0;
            Attend(block, observed?.Invoke(block), isClassifying, inner, cancellationToken);
            if (_times is not null)
            {
                _times.Attention += Now() - start;
            }

            bool isLast = block == count - 1;
            if (isLast && firstTokens > 0)
            {
                rows = KeepFirst(firstTokens);
            }

            Stage(_blocks[block], isLast ? -1 : block + 1, rows, cancellationToken);
        }
    }

    private void Attend(int block, IAttentionBackend? observed, bool onlySpecialRows, int inner, CancellationToken cancellationToken)
    {
        int rows = ImageCount * _tokenCount;
        if (observed is ObservedAttentionBackend { WantsInput: true } watching)
        {
            _normalised ??= new AlignedBuffer<float>(checked(rows * Width));
            _blocks[block].Normalise(_tokens.Pointer, _normalised.Pointer, rows);
            watching.ObserveInput(_normalised.Span, ImageCount, _tokenCount, cancellationToken);
        }

        ReadOnlySpan<float> fused = _projected.Span;
        if (_runs[block].IsCalibrated)
        {
            _blocks[block].Calibrated!.Attend(_normalised!.Span, fused, _attended.Span, ImageCount, _tokenCount, onlySpecialRows, observed ?? _backend, (BinaryAttentionOptions)_runs[block].Options, cancellationToken);
        }
        else
        {
            _attention.Run(block, observed, fused, fused[inner..], fused[(2 * inner)..], _attended.Span, cancellationToken);
        }
    }

    private int KeepFirst(int firstTokens)
    {
        for (int item = 1; item < ImageCount; item++)
        {
            MoveRows(_tokens.Span, Width, item, firstTokens);
            MoveRows(_attended.Span, _blocks[0].AttentionWidth, item, firstTokens);
        }

        return ImageCount * firstTokens;
    }

    private void MoveRows(Span<float> rows, int width, int item, int count) => rows.Slice(item * _tokenCount * width, count * width).CopyTo(rows[(item * count * width)..]);

    private void Stage(TransformerBlock? finishing, int projecting, int rows, CancellationToken cancellationToken)
    {
        long start = Now();
        (_finishing, _projecting) = (finishing, projecting);
        _loop.Run(rows, _blockRows, _layerRows, cancellationToken);
        if (_times is not null)
        {
            _times.Rows += Now() - start;
        }
    }

    private void LayerRows(int first, int count, int worker)
    {
        RowScratch scratch = _scratches[worker];
        float* tokens = _tokens.Pointer + ((nint)first * Width);
        nint inner = _blocks[0].AttentionWidth;
        _finishing?.Finish(_attended.Pointer + (first * inner), tokens, count, _precision, scratch);
        if (_projecting >= 0 && _runs[_projecting].IsCalibrated)
        {
            TransformerBlock block = _blocks[_projecting];
            block.ProjectCodes(tokens, _normalised!.Pointer + ((nint)first * Width), _projected.Pointer + ((nint)first * block.Calibrated!.OutputCount), count);
        }
        else if (_projecting >= 0)
        {
            _blocks[_projecting].Project(tokens, _projected.Pointer + (first * 3 * inner), count, _precision, scratch);
        }
    }

    private void EmbedRows(int first, int count, int worker) =>
        _patches.Forward(_image, _imageHeight, _imageWidth, first, count, _scratches[worker].Wide, _imageTokens + ((nint)first * Width));

    private long Now() => _times is null ? 0 : Stopwatch.GetTimestamp();
}
