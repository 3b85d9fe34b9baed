using System.Buffers.Binary;

namespace Microsoft.ML.Reversible.Text;

/// <summary>One field of a Protocol Buffers message.</summary>
internal readonly struct ProtobufField
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;

    private readonly int _wire;
    private readonly ulong _value;
    private readonly ReadOnlyMemory<byte> _content;

    private ProtobufField(int number, int wire, ulong value, ReadOnlyMemory<byte> content) =>
        (Number, _wire, _value, _content) = (number, wire, value, content);

    /// <summary>The field's number.</summary>
    public int Number { get; }

    /// <summary>The value as a number or an enumeration's or a truth value.</summary>
    public int Int32 => _wire == Varint ? (int)_value : throw WrongType();

    /// <summary>The value as a float.</summary>
    public float Single => _wire == Fixed32 ? BinaryPrimitives.ReadSingleLittleEndian(_content.Span) : throw WrongType();

    /// <summary>The value as bytes, text or a message.</summary>
    public ReadOnlyMemory<byte> Message => _wire == Bytes ? _content : throw WrongType();

    /// <summary>The fields of a message in order, which share its memory.</summary>
    /// <exception cref="InvalidDataException">The message is no Protocol Buffers message.</exception>
    public static IEnumerable<ProtobufField> In(ReadOnlyMemory<byte> message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong tag = ReadVarint(message.Span, ref at);
            if (tag >> 3 is 0 or > 0x1FFF_FFFF) throw new InvalidDataException($"a field before byte {at} has the number {tag >> 3}");
            int wire = (int)(tag & 7);
            ulong value = wire is Varint or Bytes ? ReadVarint(message.Span, ref at) : 0;
            ulong length = wire switch
            {
                Varint => 0,
                Fixed64 => sizeof(ulong),
                Fixed32 => sizeof(uint),
                Bytes => value,
                _ => throw new InvalidDataException($"a field before byte {at} is of the unknown wire type {wire}"),
            };
            if (length > (ulong)(message.Length - at)) throw new InvalidDataException("it ends within a field");
            yield return new((int)(tag >> 3), wire, value, message.Slice(at, (int)length));
            at += (int)length;
        }
    }

    private static ulong ReadVarint(ReadOnlySpan<byte> message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (at == message.Length) throw new InvalidDataException("it ends within a field");
            byte next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException($"the number before byte {at} is too long");
    }

    private InvalidDataException WrongType() => new($"the field {Number} is of the wrong type");
}
