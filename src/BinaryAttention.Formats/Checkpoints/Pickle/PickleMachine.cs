namespace BinaryAttention.Formats.Checkpoints.Pickle;

/// <summary>
/// Reads a Python pickle, protocols 2 to 5, as data. A pickle is a program for a stack machine whose instructions can import and call
/// anything; this machine builds numbers, text, tuples, lists and dictionaries, keeps names as names and knows no way to call. Python's
/// pickletools module documents the instructions. Cost is bounded by the number of instructions; there is no recursion.
/// </summary>
internal ref struct PickleMachine
{
    /// <summary>A tensor takes some 40 instructions.</summary>
    public const int MaxInstructions = 4_000_000;

    private const int MaxStack = 100_000;

    private static readonly object Mark = new();

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private PickleReader _reader;

    private PickleMachine(PickleReader reader)
    {
        _reader = reader;
    }

    /// <summary>The value of a pickle.</summary>
    /// <param name="bytes">The whole pickle.</param>
    /// <param name="fileOffset">Where it begins in its file, or -1.</param>
    /// <param name="sourceName">Name for messages.</param>
    /// <exception cref="FileFormatException">Damaged, or with instructions that checkpoints do not use.</exception>
    public static object? Read(ReadOnlySpan<byte> bytes, long fileOffset, string sourceName)
    {
        var machine = new PickleMachine(new PickleReader(bytes, fileOffset, sourceName));
        return machine.Run();
    }

    private object? Run()
    {
        for (int count = 0; count < MaxInstructions; count++)
        {
            int position = _reader.Position;
            byte code = _reader.ReadByte();
            if (code == (byte)'.')
            {
                return Pop(position);
            }

            if (!TryPushConstant(code) && !TryStructure(code, position) && !TryObject(code, position))
            {
                throw _reader.Fail($"the pickle has the instruction 0x{code:X2}, which checkpoints of protocols 2 to 5 do not use.", position);
            }

            if (_stack.Count > MaxStack)
            {
                throw _reader.Fail($"the pickle stacks more than {MaxStack} values.", position);
            }
        }

        throw _reader.Fail($"the pickle has more than {MaxInstructions} instructions.", _reader.Position);
    }

    private bool TryPushConstant(byte code)
    {
        object? value;
        switch (code)
        {
            case (byte)'N': value = null; break;
            case 0x88: value = true; break;
            case 0x89: value = false; break;
            case (byte)'J': value = (long)_reader.ReadInt32(); break;
            case (byte)'K': value = (long)_reader.ReadByte(); break;
            case (byte)'M': value = (long)_reader.ReadUInt16(); break;
            case 0x8A: value = _reader.ReadLong(_reader.ReadByte()); break;
            case 0x8B: value = _reader.ReadLong(_reader.ReadUInt32()); break;
            case (byte)'G': value = _reader.ReadDouble(); break;
            case (byte)'X': value = _reader.ReadText(_reader.ReadUInt32()); break;
            case 0x8C: value = _reader.ReadText(_reader.ReadByte()); break;
            case 0x8D: value = _reader.ReadText(_reader.ReadUInt64()); break;
            case (byte)'U': value = _reader.ReadText(_reader.ReadByte(), isLatin: true); break;
            case (byte)'T': value = _reader.ReadText(_reader.ReadUInt32(), isLatin: true); break;
            case (byte)'C': value = Bytes(_reader.ReadByte()); break;
            case (byte)'B': value = Bytes(_reader.ReadUInt32()); break;
            case 0x8E or 0x96: value = Bytes(_reader.ReadUInt64()); break;
            case (byte)'}': value = new PickleDictionary(); break;
            case (byte)']' or 0x8F: value = new PickleList(); break;
            case (byte)')': value = PickleTuple.Empty; break;
            default: return false;
        }

        _stack.Add(value);
        return true;
    }

    private bool TryStructure(byte code, int position)
    {
        switch (code)
        {
            case 0x80:
                int protocol = _reader.ReadByte();
                if (protocol is < 2 or > 5)
                {
                    throw _reader.Fail($"the pickle has protocol {protocol}; 2 to 5 are read.", position);
                }

                return true;
            case 0x95:
                _ = _reader.ReadUInt64(); // FRAME tells a reader of streams how much to fetch
                return true;
            case (byte)'(':
                _marks.Add(_stack.Count);
                _stack.Add(Mark);
                return true;
            case (byte)'t':
                _stack.Add(new PickleTuple(PopToMark(position)));
                return true;
            case 0x85 or 0x86 or 0x87:
                _stack.Add(new PickleTuple(PopMany(code - 0x84, position)));
                return true;
            case (byte)'l' or 0x91:
                _stack.Add(AddTo(new PickleList(), PopToMark(position), position));
                return true;
            case (byte)'d':
                _stack.Add(SetIn(new PickleDictionary(), PopToMark(position), position));
                return true;
            case (byte)'a':
                AddTo(PopUnder(1, position, out object?[] one), one, position);
                return true;
            case (byte)'e' or 0x90:
                object?[] several = PopToMark(position);
                AddTo(Top(position), several, position);
                return true;
            case (byte)'s':
                SetIn(PopUnder(2, position, out object?[] pair), pair, position);
                return true;
            case (byte)'u':
                object?[] pairs = PopToMark(position);
                SetIn(Top(position), pairs, position);
                return true;
            case (byte)'0':
                _ = Pop(position);
                return true;
            case (byte)'1':
                _ = PopToMark(position);
                return true;
            case (byte)'2':
                _stack.Add(Top(position));
                return true;
            default:
                return TryMemo(code, position);
        }
    }

    private bool TryMemo(byte code, int position)
    {
        switch (code)
        {
            case (byte)'q':
                _memo[_reader.ReadByte()] = Top(position);
                return true;
            case (byte)'r':
                _memo[_reader.ReadUInt32()] = Top(position);
                return true;
            case 0x94:
                _memo[(uint)_memo.Count] = Top(position);
                return true;
            case (byte)'h':
                _stack.Add(Recall(_reader.ReadByte(), position));
                return true;
            case (byte)'j':
                _stack.Add(Recall(_reader.ReadUInt32(), position));
                return true;
            default:
                return false;
        }
    }

    private bool TryObject(byte code, int position)
    {
        switch (code)
        {
            case (byte)'c':
                string module = _reader.ReadLine();
                _stack.Add(new PickleGlobal(module, _reader.ReadLine()));
                return true;
            case 0x93:
                object?[] names = PopMany(2, position);
                _stack.Add(names is [string from, string name] ? new PickleGlobal(from, name) : throw _reader.Fail("the pickle names an object by something that is no text.", position));
                return true;
            case (byte)'Q':
                _stack.Add(PickleCalls.PersistentValue(Pop(position)));
                return true;
            case (byte)'R' or 0x81:
                object?[] call = PopMany(2, position);
                _stack.Add(PickleCalls.Answer(call[0], call[1], position));
                return true;
            case 0x92:
                object?[] keywordCall = PopMany(3, position);
                _stack.Add(new PickleOpaque($"a {keywordCall[0] as PickleGlobal ?? new PickleGlobal("unknown", "class")}"));
                return true;
            case (byte)'b':
                _ = Pop(position); // the state of an object: attributes, which data does not have
                _ = Top(position);
                return true;
            default:
                return false;
        }
    }

    private object Bytes(ulong count)
    {
        _ = _reader.Take(count);
        return new PickleOpaque("bytes");
    }

    private readonly object? Recall(uint key, int position) =>
        _memo.TryGetValue(key, out object? value) ? value : throw _reader.Fail($"the pickle recalls value {key}, which it has not remembered.", position);

    private readonly object? Top(int position) =>
        _stack.Count > 0 && !ReferenceEquals(_stack[^1], Mark) ? _stack[^1] : throw _reader.Fail("the pickle takes a value from an empty stack.", position);

    private readonly object? Pop(int position)
    {
        object? value = Top(position);
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly object?[] PopMany(int count, int position)
    {
        var values = new object?[count];
        for (int i = count - 1; i >= 0; i--)
        {
            values[i] = Pop(position);
        }

        return values;
    }

    private readonly object? PopUnder(int count, int position, out object?[] values)
    {
        values = PopMany(count, position);
        return Top(position);
    }

    private readonly object?[] PopToMark(int position)
    {
        if (_marks.Count == 0)
        {
            throw _reader.Fail("the pickle goes back to a mark it has not set.", position);
        }

        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        object?[] values = [.. _stack.Skip(mark + 1)];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private readonly object? AddTo(object? target, object?[] values, int position)
    {
        if (target is PickleList list)
        {
            foreach (object? value in values)
            {
                list.Add(value);
            }
        }
        else if (target is not PickleOpaque)
        {
            throw _reader.Fail("the pickle appends to something that is no list.", position);
        }

        return target;
    }

    private readonly object? SetIn(object? target, object?[] values, int position)
    {
        if (values.Length % 2 != 0)
        {
            throw _reader.Fail("the pickle gives a dictionary a key without a value.", position);
        }

        if (target is PickleDictionary dictionary)
        {
            for (int i = 0; i < values.Length; i += 2)
            {
                dictionary.Add(values[i], values[i + 1]);
            }
        }
        else if (target is not PickleOpaque)
        {
            throw _reader.Fail("the pickle sets items of something that is no dictionary.", position);
        }

        return target;
    }
}
