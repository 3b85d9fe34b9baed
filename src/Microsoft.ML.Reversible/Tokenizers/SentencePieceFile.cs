using System.Text;
using Google.Protobuf;
using static Google.Protobuf.WireFormat.WireType;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Reads SentencePiece model files, which are Protocol Buffers messages.</summary>
internal static class SentencePieceFile
{
    private const int BpeModel = 2;
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a model.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The file is malformed or of a kind not supported; the message says which.</exception>
    public static SentencePieceVocabulary Read(byte[] file, string path)
    {
        try
        {
            SentencePieceVocabulary vocabulary = Read(file);
            return vocabulary.FindFault() is { } fault ? throw new InvalidDataException(fault) : vocabulary;
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException or InvalidProtocolBufferException)
        {
            throw new InvalidDataException($"The tokenizer file '{path}' is malformed or not supported: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static SentencePieceVocabulary Read(byte[] file)
    {
        var pieces = new List<SentencePiece>();
        (int modelType, int unknown, int begin, int end, bool suffix) = (1, 0, 1, 2, false);
        (string normalizer, bool charsMap, bool prefix, bool removes, bool escapes) = ("", false, true, true, true);
        foreach ((int number, WireFormat.WireType wire, CodedInputStream input) in Fields(file))
        {
            switch (number, wire)
            {
                case (1, LengthDelimited): pieces.Add(ReadPiece(input.ReadBytes())); break;
                case (2, LengthDelimited): ReadTrainer(input.ReadBytes()); break;
                case (3, LengthDelimited): ReadNormalizer(input.ReadBytes()); break;
                default: input.SkipLastField(); break;
            }
        }

        if (pieces.Count == 0) throw new InvalidDataException("it has no pieces");
        if (modelType != BpeModel)
            throw new InvalidDataException($"its model is of type {modelType}, and only byte-pair models (2) are read");
        if (normalizer is not ("" or "identity") || charsMap)
            throw new InvalidDataException($"it normalizes text by '{normalizer}', and only 'identity' is supported");
        if (suffix || !escapes) throw new InvalidDataException("it treats spaces differently from the Llama family");
        return new(pieces, unknown, begin, end, prefix ? DummyPrefix.Always : DummyPrefix.Never, removes);

        void ReadTrainer(ByteString message)
        {
            foreach ((int number, WireFormat.WireType wire, CodedInputStream input) in Fields(message.ToByteArray()))
            {
                switch (number, wire)
                {
                    case (3, Varint): modelType = input.ReadInt32(); break;
                    case (24, Varint): suffix = input.ReadBool(); break;
                    case (40, Varint): unknown = input.ReadInt32(); break;
                    case (41, Varint): begin = input.ReadInt32(); break;
                    case (42, Varint): end = input.ReadInt32(); break;
                    default: input.SkipLastField(); break;
                }
            }
        }

        void ReadNormalizer(ByteString message)
        {
            foreach ((int number, WireFormat.WireType wire, CodedInputStream input) in Fields(message.ToByteArray()))
            {
                switch (number, wire)
                {
                    case (1, LengthDelimited): normalizer = Text(input); break;
                    case (2, LengthDelimited): charsMap = !input.ReadBytes().IsEmpty; break;
                    case (3, Varint): prefix = input.ReadBool(); break;
                    case (4, Varint): removes = input.ReadBool(); break;
                    case (5, Varint): escapes = input.ReadBool(); break;
                    default: input.SkipLastField(); break;
                }
            }
        }
    }

    private static SentencePiece ReadPiece(ByteString message)
    {
        (string text, float score, PieceKind kind) = ("", 0f, PieceKind.Normal);
        foreach ((int number, WireFormat.WireType wire, CodedInputStream input) in Fields(message.ToByteArray()))
        {
            switch (number, wire)
            {
                case (1, LengthDelimited): text = Text(input); break;
                case (2, Fixed32): score = input.ReadFloat(); break;
                case (3, Varint): kind = (PieceKind)input.ReadEnum(); break;
                default: input.SkipLastField(); break;
            }
        }
        return new(text, score, kind);
    }

    /// <summary>Returns the fields of a message in order. The caller must read or skip the value of each.</summary>
    private static IEnumerable<(int Number, WireFormat.WireType Wire, CodedInputStream Input)> Fields(byte[] message)
    {
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
            yield return (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag), input);
    }

    private static string Text(CodedInputStream input) => _strict.GetString(input.ReadBytes().Span);
}
