using System.Buffers.Binary;
using System.Text;

namespace BinaryAttention.Formats.Tests.Checkpoints;

/// <summary>Writes pickles instruction by instruction, valid ones as torch.save does (protocol 2) and hostile ones.</summary>
internal sealed class PickleWriter
{
    private readonly List<byte> _bytes = [0x80, 2];

    public byte[] Done => [.. _bytes, (byte)'.'];

    public PickleWriter Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public PickleWriter Op(string codes) => Raw(Encoding.Latin1.GetBytes(codes));

    public PickleWriter Global(string module, string name) => Op($"c{module}\n{name}\n");

    public PickleWriter Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Op("X").Raw(Int32(utf8.Length)).Raw(utf8);
    }

    public PickleWriter Int(long value)
    {
        var number = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        return value is >= 0 and < 256 ? Op("K").Raw((byte)value)
            : value is >= int.MinValue and <= int.MaxValue ? Op("J").Raw(Int32((int)value))
            : Raw(0x8A, 8).Raw(number);
    }

    public PickleWriter Tuple(params long[] values)
    {
        Op("(");
        foreach (long value in values)
        {
            Int(value);
        }

        return Op("t");
    }

    public PickleWriter Put(byte key) => Op("q").Raw(key);

    public PickleWriter Get(byte key) => Op("h").Raw(key);

    /// <summary>An OrderedDict that is filled by what follows up to <see cref="EndDictionary"/>.</summary>
    public PickleWriter OrderedDictionary() => Global("collections", "OrderedDict").Op(")R(");

    public PickleWriter EndDictionary() => Op("u");

    public PickleWriter Storage(string kind, string key, long count, string module = "torch") =>
        Op("(").Text("storage").Global(module, kind).Text(key).Text("cpu").Int(count).Op("tQ");

    /// <summary>A tensor as torch.save describes it.</summary>
    public PickleWriter Tensor(string key, long[] shape, long[]? strides = null, long offset = 0, long? count = null, string kind = "FloatStorage") =>
        Global("torch._utils", "_rebuild_tensor_v2").Op("(")
            .Storage(kind, key, count ?? shape.Aggregate(1L, static (product, length) => product * length))
            .Int(offset).Tuple(shape).Tuple(strides ?? Strides(shape)).Raw(0x89).Global("collections", "OrderedDict").Op(")RtR");

    private static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        long step = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = step;
            step *= shape[axis];
        }

        return strides;
    }

    private static byte[] Int32(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }
}
