using System.Text;

namespace Microsoft.ML.Reversible.Text;

/// <summary>Reads SentencePiece model files, which are Protocol Buffers messages.</summary>
internal static class SentencePieceFile
{
    private const int BpeModel = 2;
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file's bytes.</summary>
    /// <param name="file">The bytes.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The file is malformed or of a kind not supported; the message says which.</exception>
    public static SentencePieceVocabulary Read(byte[] file, string path)
    {
        try
        {
            SentencePieceVocabulary vocabulary = Read(file);
            return vocabulary.FindFault() is { } fault ? throw new InvalidDataException(fault) : vocabulary;
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw new InvalidDataException($"The tokenizer file '{path}' is malformed or not supported: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static SentencePieceVocabulary Read(byte[] file)
    {
        var pieces = new List<SentencePiece>();
        (int modelType, int unknown, int begin, int end, bool suffix) = (1, 0, 1, 2, false);
        (string normalizer, bool charsMap, bool prefix, bool removes, bool escapes) = ("", false, true, true, true);
        foreach (ProtobufField field in ProtobufField.In(file))
        {
            switch (field.Number)
            {
                case 1: pieces.Add(ReadPiece(field.Message)); break;
                case 2:
                    foreach (ProtobufField f in ProtobufField.In(field.Message))
                        if (f.Number == 3) modelType = f.Int32;
                        else if (f.Number == 24) suffix = f.Int32 != 0;
                        else if (f.Number == 40) unknown = f.Int32;
                        else if (f.Number == 41) begin = f.Int32;
                        else if (f.Number == 42) end = f.Int32;
                    break;
                case 3:
                    foreach (ProtobufField f in ProtobufField.In(field.Message))
                        if (f.Number == 1) normalizer = _strict.GetString(f.Message.Span);
                        else if (f.Number == 2) charsMap = !f.Message.IsEmpty;
                        else if (f.Number == 3) prefix = f.Int32 != 0;
                        else if (f.Number == 4) removes = f.Int32 != 0;
                        else if (f.Number == 5) escapes = f.Int32 != 0;
                    break;
            }
        }

        if (pieces.Count == 0) throw new InvalidDataException("it has no pieces");
        if (modelType != BpeModel)
            throw new InvalidDataException($"its model is of type {modelType}, and only byte-pair models (2) are read");
        if (normalizer is not ("" or "identity") || charsMap)
            throw new InvalidDataException($"it normalizes text by '{normalizer}', and only 'identity' is supported");
        if (suffix || !escapes) throw new InvalidDataException("it treats spaces otherwise than the Llama family");
        return new(pieces, unknown, begin, end, prefix ? DummyPrefix.Always : DummyPrefix.Never, removes);
    }

    private static SentencePiece ReadPiece(ReadOnlyMemory<byte> message)
    {
        (string text, float score, PieceKind kind) = ("", 0f, PieceKind.Normal);
        foreach (ProtobufField field in ProtobufField.In(message))
        {
            switch (field.Number)
            {
                case 1: text = _strict.GetString(field.Message.Span); break;
                case 2: score = field.Single; break;
                case 3: kind = (PieceKind)field.Int32; break;
            }
        }
        return new(text, score, kind);
    }
}
