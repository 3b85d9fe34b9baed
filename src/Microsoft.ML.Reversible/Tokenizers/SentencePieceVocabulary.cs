using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Kinds of SentencePiece's pieces, with the numbers of the file format.</summary>
internal enum PieceKind
{
    /// <summary>Text, with U+2581 for a space.</summary>
    Normal = 1,

    /// <summary>The piece of text that has no other piece.</summary>
    Unknown = 2,

    /// <summary>A special token such as end-of-text. It stands for no text.</summary>
    Control = 3,

    /// <summary>Text that is found before all other pieces.</summary>
    UserDefined = 4,

    /// <summary>Text that is never produced.</summary>
    Unused = 5,

    /// <summary>One byte of a character without a piece.</summary>
    Byte = 6,
}

/// <summary>When a text gets a space before its first character.</summary>
internal enum DummyPrefix
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>Always, as SentencePiece does.</summary>
    Always,

    /// <summary>Unless it begins with a space already, as Hugging Face's Metaspace does.</summary>
    UnlessSpace,
}

/// <summary>A piece of a SentencePiece vocabulary: a token.</summary>
/// <param name="Text">How the vocabulary writes it.</param>
/// <param name="Score">Its priority: of two possible merges, the one with the greater score of the result comes first.</param>
/// <param name="Kind">Its kind.</param>
internal readonly record struct SentencePiece(string Text, float Score, PieceKind Kind);

/// <summary>A vocabulary of pieces of text, as SentencePiece makes it: with byte-pair merges, as in the Llama family, or Unigram.</summary>
/// <param name="Pieces">The pieces, whose ids are their indices.</param>
/// <param name="UnknownId">The piece that stands for text without one.</param>
/// <param name="BeginId">The piece that a document begins after; negative where there is none.</param>
/// <param name="EndId">The piece that ends a document; negative where there is none.</param>
/// <param name="Prefix">Whether a text gets a space before it.</param>
/// <param name="RemovesExtraSpaces">Whether spaces at both ends are dropped and runs of spaces become one.</param>
internal sealed record SentencePieceVocabulary(
    IReadOnlyList<SentencePiece> Pieces, int UnknownId, int BeginId, int EndId, DummyPrefix Prefix, bool RemovesExtraSpaces)
{
    /// <summary>The character that stands for a space within pieces.</summary>
    public const char Space = '\u2581';

    /// <summary>
    /// The merges, the first to apply first, where scores of the pieces cannot give them; null where the scores do. SentencePiece's own
    /// files have scores, tokenizer.json has a list.
    /// </summary>
    public IReadOnlyList<(string Left, string Right)>? Merges { get; init; }

    /// <summary>The logarithms of the pieces' probabilities of a Unigram model, by id; null for byte-pair merges.</summary>
    public IReadOnlyList<double>? Scores { get; init; }

    /// <summary>Whether a character without a piece becomes its bytes; otherwise it becomes the unknown piece.</summary>
    public bool HasByteFallback { get; init; } = true;

    /// <summary>Whether neighbouring unknown characters become one unknown piece.</summary>
    public bool FusesUnknown { get; init; }

    /// <summary>Whether a stretch that is a piece as a whole becomes that piece, whatever the merges.</summary>
    public bool IgnoresMerges { get; init; }

    /// <summary>Changes a text before it is cut, beside <see cref="Prefix"/>.</summary>
    public TextNormalizer Normalizer { get; init; } = TextNormalizer.None;

    /// <summary>
    /// The steps that cut a text into stretches which are encoded on their own; null where the text is prepared as by SentencePiece, by
    /// <see cref="Prefix"/> and U+2581 for every space.
    /// </summary>
    public IReadOnlyList<PieceStep>? Steps { get; init; }

    /// <summary>The spaces that are left out where a text is decoded.</summary>
    public DecodedPrefix DecodedPrefix { get; init; } = DecodedPrefixes.Of(Prefix);

    /// <summary>Whether the piece that begins a document is put before every text if tokenizer_config.json does not say.</summary>
    public bool BeginsTexts { get; init; } = true;

    /// <summary>Whether the piece that ends a document is also put after every text.</summary>
    public bool EndsTexts { get; init; }

    /// <summary>The added tokens that stand for no text, which are found in text only where that is asked for, by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> Specials { get; init; } = new Dictionary<int, AddedToken>();

    /// <summary>The tokens that are found in text, as they are written, before anything else, by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> Literals { get; init; } = new Dictionary<int, AddedToken>();

    /// <summary>
    /// Whether <see cref="Prefix"/> holds for each stretch between such tokens; otherwise only for the beginning of a text.
    /// </summary>
    public bool PrefixesEveryStretch { get; init; } = true;

    /// <summary>The least number of ids of a model for this vocabulary; added tokens may have ids beyond it.</summary>
    public int LeastModelSize { get; init; } = Pieces.Count;

    /// <summary>The bytes of every piece.</summary>
    /// <param name="starters">The ids that a text begins after.</param>
    public TokenBytes Texts(int[] starters)
    {
        return new(
            [.. Pieces.Select((piece, id) => piece.Kind switch
            {
                PieceKind.Control when Literals.ContainsKey(id) => Encoding.UTF8.GetBytes(piece.Text),
                PieceKind.Normal => Encoding.UTF8.GetBytes(piece.Text.Replace(Space, ' ')),
                PieceKind.Byte => [byte.Parse(piece.Text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)],
                _ => Array.Empty<byte>(),
            })],
            DecodedPrefix, starters);
    }

    /// <summary>Adds to a hash all that decides which ids a text has.</summary>
    /// <remarks>Token caches name their tokenizer by this hash, so what was hashed first keeps its place.</remarks>
    public void AddTo(TokenizerHash hash)
    {
        hash.Add("SentencePiece, leftmost of equal scores");
        hash.Add(Prefix.ToString());
        hash.Add(RemovesExtraSpaces ? 1 : 0);
        hash.Add(Pieces.Count);
        foreach (SentencePiece piece in Pieces)
        {
            hash.Add(piece.Text);
            hash.Add(BitConverter.SingleToInt32Bits(piece.Score));
            hash.Add((int)piece.Kind);
        }
        if (Merges is not null) hash.Add([.. Merges.Select(merge => $"{merge.Left} {merge.Right}")]);
        if (Literals.Count > 0) hash.Add(PrefixesEveryStretch ? "spaces before added tokens" : "added tokens");
        foreach ((int id, AddedToken token) in Literals.OrderBy(literal => literal.Key))
        {
            hash.Add($"{id}: {token.TakesSpaceBefore}, {token.TakesSpaceAfter}");
            if (token.IsSingleWord) hash.Add($"{id}: a word");
            if (token.IsNormalized && !Normalizer.IsIdentity) hash.Add($"{id}: normalized");
        }
        if (Steps is not null) hash.Add([.. Normalizer.Names, "steps", .. Steps.Select(step => step.Name)]);
        if (Scores is not null) hash.Add([.. Scores.Select(score => score.ToString("R", CultureInfo.InvariantCulture))]);
        if (!HasByteFallback) hash.Add($"unknown {UnknownId}, {(FusesUnknown ? "fused" : "single")}");
        if (IgnoresMerges) hash.Add("ignore_merges");
    }

    /// <summary>Finds a fault in a vocabulary that was read from a file.</summary>
    /// <returns>The fault; null where there is none.</returns>
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
        if (UnknownId < 0 && HasByteFallback) return "it names no unknown piece";
        if (UnknownId >= 0 && Pieces[UnknownId].Kind is PieceKind.Normal or PieceKind.Byte)
            return $"the piece of the unknown id {UnknownId} stands for text";
        return HasByteFallback ? FindFaultOfBytes() : null;
    }

    private string? FindFaultOfBytes()
    {
        int first = FirstByteId;
        if (first < 0 || Pieces.Count(piece => piece.Kind == PieceKind.Byte) != 256 || first + 256 > Pieces.Count)
            return "it has no byte fallback: the 256 byte pieces <0x00> to <0xFF> are missing";
        for (int value = 0; value < 256; value++)
            if (Pieces[first + value] is not { Kind: PieceKind.Byte, Text: var text } || text != NameOfByte(value))
                return $"the byte piece {NameOfByte(value)} is not at the id {first + value}, in order with the others";
        return null;
    }

    /// <summary>Returns this vocabulary with the tokens that Hugging Face's files add to it.</summary>
    /// <param name="configuration">The files.</param>
    /// <param name="path">The vocabulary's file, for messages.</param>
    /// <exception cref="InvalidDataException">Added tokens contradict the pieces, or are of a kind not supported.</exception>
    public SentencePieceVocabulary WithAdded(TokenizerConfiguration configuration, string path)
    {
        var own = Pieces.Select((piece, id) => KeyValuePair.Create(id, piece.Text)).ToDictionary();
        TokenTable table = TokenTable.Of(own, [], configuration, path);
        DummyPrefix prefix = configuration.AddsPrefixSpace == false ? DummyPrefix.Never : Prefix;
        return this with
        {
            Pieces = [.. Pieces, .. Enumerable.Range(Pieces.Count, table.Texts.Length - Pieces.Count)
                .Select(id => new SentencePiece(TextOrGap(table.Texts[id], id), 0, PieceKind.Control))],
            Prefix = prefix, DecodedPrefix = DecodedPrefixes.Of(prefix), Literals = table.Literals, Specials = table.Specials,
            PrefixesEveryStretch = configuration.IsLegacy != false, LeastModelSize = table.LeastModelSize,
        };
    }

    /// <summary>Returns a token's text, or a text that no other piece has for an id without a token.</summary>
    public static string TextOrGap(string text, int id) => text.Length > 0 ? text : $"\0{id}";

    /// <summary>The id of the piece of byte 0; the pieces of the other bytes follow in order. Negative if there are none.</summary>
    public int FirstByteId => Pieces.Select(piece => piece.Kind).ToList().IndexOf(PieceKind.Byte);

    /// <summary>Returns the text of a byte's piece.</summary>
    public static string NameOfByte(int value) => $"<0x{value:X2}>";
}
