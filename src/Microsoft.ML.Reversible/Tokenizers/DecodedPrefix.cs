using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Which spaces at the beginning of a text are left out of it when its ids are decoded.</summary>
internal enum DecodedPrefix
{
    /// <summary>None.</summary>
    None,

    /// <summary>One space.</summary>
    OneSpace,

    /// <summary>All spaces of the first token.</summary>
    SpacesOfFirstToken,
}

/// <summary>Reads the decoder of a tokenizer.json that is not byte-level.</summary>
internal static class DecodedPrefixes
{
    /// <summary>Reads which spaces the decoder leaves out. Without a decoder it is the one that the tokenizer puts there.</summary>
    /// <exception cref="InvalidDataException">The decoder does something else.</exception>
    public static DecodedPrefix Read(TokenizerJsonFile file, DummyPrefix prefix)
    {
        IReadOnlyList<JsonElement> parts = file.Sequence("decoder", "decoders");
        if (parts.Count == 0) return Of(prefix);
        (DecodedPrefix read, bool writesSpaces) = (DecodedPrefix.None, false);
        foreach (JsonElement part in parts)
        {
            switch (part.TextOf("type"))
            {
                case "ByteFallback" or "Fuse": break;
                case "Replace" when part.TextOf("content") == " " && part.TryGet("pattern", out JsonElement pattern)
                    && pattern.TextOf("String") == SentencePieceVocabulary.Space.ToString():
                    writesSpaces = true;
                    break;
                case "Strip" when part.TextOf("content") == " " && HasCount(part, "start", 1) && HasCount(part, "stop", 0):
                    read = DecodedPrefix.OneSpace;
                    break;
                case "Metaspace" when part.TextOf("replacement") == SentencePieceVocabulary.Space.ToString():
                    writesSpaces = true;
                    if (MetaspaceStep.ReadScheme(part, file) != false) read = DecodedPrefix.SpacesOfFirstToken;
                    break;
                case var type: throw file.Unsupported($"its decoder has {type} in a form that is not read: {part.GetRawText()}");
            }
        }
        return writesSpaces ? read : throw file.Unsupported("its decoder does not write U+2581 as a space");
    }

    /// <summary>Returns what leaves out the space that a SentencePiece vocabulary puts before a text.</summary>
    public static DecodedPrefix Of(DummyPrefix prefix) => prefix == DummyPrefix.Never ? DecodedPrefix.None : DecodedPrefix.OneSpace;

    private static bool HasCount(JsonElement part, string name, int count) =>
        part.TryGet(name, out JsonElement number) && number.ValueKind == JsonValueKind.Number
        && number.TryGetInt32(out int value) && value == count;
}
