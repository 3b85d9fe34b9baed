namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>What a piece of a SentencePiece vocabulary is, with the numbers of the file format.</summary>
internal enum PieceKind
{
    /// <summary>Text, with U+2581 for a space.</summary>
    Normal = 1,

    /// <summary>What stands for text without a piece.</summary>
    Unknown = 2,

    /// <summary>A mark that stands for no text.</summary>
    Control = 3,

    /// <summary>Text that is looked for before anything else.</summary>
    UserDefined = 4,

    /// <summary>Text that is never produced.</summary>
    Unused = 5,

    /// <summary>One byte of a character without a piece.</summary>
    Byte = 6,
}

/// <summary>When a text is given a space before its first character.</summary>
internal enum DummyPrefix
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>Always, as SentencePiece does.</summary>
    Always,

    /// <summary>Unless it begins with a space already, as Hugging Face's Metaspace does.</summary>
    UnlessSpace,
}

/// <summary>One piece.</summary>
/// <param name="Text">How the vocabulary writes it.</param>
/// <param name="Score">Of two possible merges the one whose result has the greater score comes first.</param>
/// <param name="Kind">What it is.</param>
internal readonly record struct SentencePiece(string Text, float Score, PieceKind Kind);

/// <summary>A SentencePiece vocabulary with byte-pair merges and byte fallback, as the Llama family has it.</summary>
/// <param name="Pieces">The pieces, whose ids are their places.</param>
/// <param name="UnknownId">The piece for text without one.</param>
/// <param name="BeginId">The piece that a document begins after; negative where there is none.</param>
/// <param name="EndId">The piece that ends a document; negative where there is none.</param>
/// <param name="Prefix">Whether a text gets a space before it.</param>
/// <param name="RemovesExtraSpaces">Whether spaces at both ends are dropped and runs of spaces become one.</param>
internal sealed record SentencePieceVocabulary(
    IReadOnlyList<SentencePiece> Pieces, int UnknownId, int BeginId, int EndId, DummyPrefix Prefix, bool RemovesExtraSpaces)
{
    /// <summary>What stands for a space within pieces.</summary>
    public const char Space = '\u2581';

    /// <summary>Finds what is wrong before a tokenizer trips over it.</summary>
    /// <returns>What is wrong; null where nothing is.</returns>
    public string? FindFault()
    {
        if (Pieces.Count == 0) return "it has no pieces";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach ((SentencePiece piece, int id) in Pieces.Select((piece, id) => (piece, id)))
        {
            if (piece.Text.Length == 0) return $"the piece of id {id} is empty";
            if (piece.Text.Length > TokenizerJson.LongestToken)
                return $"the piece of id {id} has {piece.Text.Length} characters, more than {TokenizerJson.LongestToken}";
            if (!seen.Add(piece.Text)) return $"it has the piece '{piece.Text}' twice";
            if (!Enum.IsDefined(piece.Kind)) return $"the piece '{piece.Text}' of id {id} is of the unknown kind {(int)piece.Kind}";
            if (piece.Kind is PieceKind.UserDefined or PieceKind.Unused)
                return $"the piece '{piece.Text}' of id {id} is of the kind {piece.Kind}, which is not supported";
            if (!float.IsFinite(piece.Score)) return $"the score of the piece '{piece.Text}' of id {id} is no finite number";
            if (piece.Kind == PieceKind.Normal && piece.Text.Contains('\0')) return $"the piece of id {id} holds the character U+0000";
        }

        foreach ((string name, int id) in new[] { ("unknown", UnknownId), ("begin-of-text", BeginId), ("end-of-text", EndId) })
            if (id >= Pieces.Count) return $"the {name} id is {id}, but the last piece's is {Pieces.Count - 1}";
        if (UnknownId < 0) return "it names no unknown piece";
        if (Pieces[UnknownId].Kind is PieceKind.Normal or PieceKind.Byte) return $"the piece of the unknown id {UnknownId} stands for text";

        int first = FirstByteId;
        if (first < 0 || Pieces.Count(piece => piece.Kind == PieceKind.Byte) != 256 || first + 256 > Pieces.Count)
            return "it has no byte fallback: the 256 byte pieces <0x00> to <0xFF> are missing";
        for (int value = 0; value < 256; value++)
            if (Pieces[first + value] is not { Kind: PieceKind.Byte, Text: var text } || text != NameOfByte(value))
                return $"the byte piece {NameOfByte(value)} is not at the id {first + value}, in order with the others";
        return null;
    }

    /// <summary>The same with marks added behind the pieces, as Hugging Face's configuration lists them.</summary>
    /// <param name="tokens">The marks by id; those that are pieces already are passed over.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The ids do not follow the pieces'.</exception>
    public SentencePieceVocabulary WithControls(IReadOnlyDictionary<int, string> tokens, string path)
    {
        List<SentencePiece> pieces = [.. Pieces];
        foreach ((int id, string token) in tokens.OrderBy(token => token.Key))
        {
            if ((uint)id < (uint)pieces.Count && pieces[id].Text == token) continue;
            if (id != pieces.Count || pieces.Exists(piece => piece.Text == token))
                throw TokenizerJson.Malformed(
                    path, $"tokenizer_config.json adds the token '{token}' as id {id}, which is another's or leaves a gap");
            pieces.Add(new(token, 0, PieceKind.Control));
        }
        return this with { Pieces = pieces };
    }

    /// <summary>The id of the byte 0, with the others behind it; negative where there are none.</summary>
    public int FirstByteId => Pieces.Select(piece => piece.Kind).ToList().IndexOf(PieceKind.Byte);

    /// <summary>How a byte piece is written.</summary>
    public static string NameOfByte(int value) => $"<0x{value:X2}>";
}
