using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>What a tokenizer needs of a SentencePiece model file, with the defaults of its schema.</summary>
internal sealed class SentencePieceModel
{
    public const int Bpe = 2;
    public const int Byte = 6;
    public const int Unused = 5;

    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;

    private SentencePieceModel(byte[] file)
    {
        foreach (var field in Fields(file))
        {
            if (field is { Number: 1, Wire: Bytes })
                Pieces.Add(Piece(field.Content));
            else if (field is { Number: 2, Wire: Bytes })
                ReadTrainer(field.Content);
            else if (field is { Number: 3, Wire: Bytes })
                ReadNormalizer(field.Content);
        }
    }

    public List<(string Text, float Score, int Type)> Pieces { get; } = [];

    public int ModelType { get; private set; } = 1;

    public bool TreatWhitespaceAsSuffix { get; private set; }

    public bool ByteFallback { get; private set; }

    public int UnknownId { get; private set; }

    public int BeginningId { get; private set; } = 1;

    public int EndId { get; private set; } = 2;

    public string UnknownPiece { get; private set; } = "<unk>";

    public string BeginningPiece { get; private set; } = "<s>";

    public string EndPiece { get; private set; } = "</s>";

    public string NormalizerName { get; private set; } = "";

    public bool AddDummyPrefix { get; private set; } = true;

    public bool RemoveExtraWhitespaces { get; private set; } = true;

    public bool EscapeWhitespaces { get; private set; } = true;

    public static SentencePieceModel Read(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return new SentencePieceModel(copy.ToArray());
    }

    private static (string Text, float Score, int Type) Piece(ReadOnlyMemory<byte> message)
    {
        (string Text, float Score, int Type) piece = ("", 0, 1);
        foreach (var field in Fields(message))
        {
            if (field is { Number: 1, Wire: Bytes })
                piece.Text = Encoding.UTF8.GetString(field.Content.Span);
            else if (field is { Number: 2, Wire: Fixed32 })
                piece.Score = BinaryPrimitives.ReadSingleLittleEndian(field.Content.Span);
            else if (field is { Number: 3, Wire: Varint })
                piece.Type = (int)field.Value;
        }

        return piece;
    }

    private void ReadTrainer(ReadOnlyMemory<byte> message)
    {
        foreach (var field in Fields(message))
        {
            switch (field.Number, field.Wire)
            {
                case (3, Varint): ModelType = (int)field.Value; break;
                case (24, Varint): TreatWhitespaceAsSuffix = field.Value != 0; break;
                case (35, Varint): ByteFallback = field.Value != 0; break;
                case (40, Varint): UnknownId = (int)field.Value; break;
                case (41, Varint): BeginningId = (int)field.Value; break;
                case (42, Varint): EndId = (int)field.Value; break;
                case (45, Bytes): UnknownPiece = Encoding.UTF8.GetString(field.Content.Span); break;
                case (46, Bytes): BeginningPiece = Encoding.UTF8.GetString(field.Content.Span); break;
                case (47, Bytes): EndPiece = Encoding.UTF8.GetString(field.Content.Span); break;
            }
        }
    }

    private void ReadNormalizer(ReadOnlyMemory<byte> message)
    {
        foreach (var field in Fields(message))
        {
            switch (field.Number, field.Wire)
            {
                case (1, Bytes): NormalizerName = Encoding.UTF8.GetString(field.Content.Span); break;
                case (3, Varint): AddDummyPrefix = field.Value != 0; break;
                case (4, Varint): RemoveExtraWhitespaces = field.Value != 0; break;
                case (5, Varint): EscapeWhitespaces = field.Value != 0; break;
            }
        }
    }

    private static IEnumerable<(int Number, int Wire, ulong Value, ReadOnlyMemory<byte> Content)> Fields(ReadOnlyMemory<byte> message)
    {
        var at = 0;
        while (at < message.Length)
        {
            var tag = ReadVarint(message.Span, ref at);
            var wire = (int)(tag & 7);
            ulong value = 0;
            var length = wire switch
            {
                Varint => 0,
                Fixed64 => 8,
                Fixed32 => 4,
                Bytes => (long)Math.Min(ReadVarint(message.Span, ref at), int.MaxValue),
                _ => throw new IOException("Protocol message contained a tag with an invalid wire type."),
            };
            if (wire == Varint)
                value = ReadVarint(message.Span, ref at);
            if (length > message.Length - at)
                throw new IOException("While parsing a protocol message, the input ended unexpectedly in the middle of a field.");
            yield return ((int)(tag >> 3), wire, value, message.Slice(at, (int)length));
            at += (int)length;
        }
    }

    private static ulong ReadVarint(ReadOnlySpan<byte> message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at == message.Length)
                throw new IOException("While parsing a protocol message, the input ended unexpectedly in the middle of a field.");
            var next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }

        throw new IOException("CodedInputStream encountered a malformed varint.");
    }
}
