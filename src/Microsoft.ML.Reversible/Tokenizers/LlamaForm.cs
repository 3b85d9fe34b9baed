using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Reads the tokenizer.json of a SentencePiece vocabulary: byte-pair encoding with byte fallback.</summary>
internal static class LlamaForm
{
    private static readonly string _space = SentencePieceVocabulary.Space.ToString();

    /// <summary>Reads the vocabulary.</summary>
    /// <exception cref="InvalidDataException">The file is malformed or of another form.</exception>
    public static SentencePieceVocabulary Read(TokenizerJsonFile file, TokenizerConfiguration configuration, string path)
    {
        (DummyPrefix prefix, bool beforeEach) = ReadPrefix(file);
        string? unknown = file.Model.TextOf("unk_token");
        TokenTable table = TokenTable.Of(file.Tokens, file.Added, configuration, path);
        foreach (AddedToken token in table.Literals.Values)
            if (token.IsNormalized && (prefix == DummyPrefix.Always || token.Content.IndexOfAny([' ', SentencePieceVocabulary.Space]) >= 0))
                throw file.Unsupported($"its added token '{token.Content}' is searched in normalized text");
        var pieces = new SentencePiece[table.Texts.Length];
        for (int id = 0; id < pieces.Length; id++)
        {
            string text = table.Texts[id];
            PieceKind kind = text == unknown ? PieceKind.Unknown
                : table.Controls.Contains(id) || !file.Tokens.ContainsKey(id) ? PieceKind.Control
                : IsByte(text) ? PieceKind.Byte : PieceKind.Normal;
            pieces[id] = new(SentencePieceVocabulary.TextOrGap(text, id), 0, kind);
        }

        List<(string Left, string Right)>? merges = ReadMerges(file, pieces);
        List<SentencePiece> list = [.. pieces];
        int Find(string? text) => list.FindIndex(piece => piece.Text == text);
        int end = Find("</s>");
        int unknownId = Find(unknown);
        var vocabulary = new SentencePieceVocabulary(
            pieces, unknownId >= 0 ? unknownId : end, Find(file.TemplateBegin() ?? "<s>"), end, prefix, RemovesExtraSpaces: false)
        {
            Merges = merges, Literals = table.Literals, PrefixesEveryStretch = beforeEach, LeastModelSize = table.LeastModelSize,
        };
        return vocabulary.FindFault() is { } fault ? throw file.Malformed(fault) : vocabulary;
    }

    private static (DummyPrefix Prefix, bool BeforeEachStretch) ReadPrefix(TokenizerJsonFile file)
    {
        (bool prepends, bool replaces) = (false, false);
        foreach (JsonElement normalizer in file.Sequence("normalizer", "normalizers"))
        {
            if (normalizer.TextOf("type") == "Prepend" && normalizer.TextOf("prepend") == _space && !replaces) prepends = true;
            else if (normalizer.TextOf("type") == "Replace" && normalizer.TextOf("content") == _space
                && normalizer.TryGet("pattern", out JsonElement pattern) && pattern.TextOf("String") == " ") replaces = true;
            else throw file.Unsupported($"it normalizes text by {normalizer.TextOf("type")}");
        }

        switch (file.Sequence("pre_tokenizer", "pretokenizers"))
        {
            case []:
                if (!replaces) break;
                return (prepends ? DummyPrefix.Always : DummyPrefix.Never, true);
            case [var metaspace] when metaspace.TextOf("type") == "Metaspace" && metaspace.TextOf("replacement") == _space && !prepends:
                if (!metaspace.TryGet("split", out JsonElement split) || split.ValueKind != JsonValueKind.False)
                    throw file.Unsupported("it cuts text at spaces");
                bool never = metaspace.TextOf("prepend_scheme") == "never"
                    || (metaspace.TryGet("add_prefix_space", out JsonElement adds) && adds.ValueKind == JsonValueKind.False);
                return (never ? DummyPrefix.Never : DummyPrefix.UnlessSpace, metaspace.TextOf("prepend_scheme") != "first");
        }
        throw file.Unsupported("it treats spaces differently from the Llama family");
    }

    /// <summary>Reads the merges.</summary>
    /// <remarks>
    /// Converters make such lists from scores, so all merges that make a piece follow each other. If they do, pieces get scores again, and
    /// equal scores merge as in the tokenizer.model that the file was converted from.
    /// </remarks>
    /// <param name="file">The file.</param>
    /// <param name="pieces">The pieces, which get the rank of the first merge that makes them as a negative score.</param>
    /// <returns>The merges if scores would give different ones; else null.</returns>
    private static List<(string Left, string Right)>? ReadMerges(TokenizerJsonFile file, SentencePiece[] pieces)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < pieces.Length; id++)
            if (pieces[id].Kind == PieceKind.Normal) ids.Add(pieces[id].Text, id);

        var merges = new List<(string Left, string Right)>();
        bool areByScore = true;
        var scored = new HashSet<int>();
        int last = -1;
        for (int rank = 0; rank < file.Merges.Count; rank++)
        {
            // A merge that makes a special token or a byte piece never applies.
            string[] sides = file.Merges[rank].Split(' ');
            if (!ids.TryGetValue(string.Concat(sides), out int id)) continue;
            foreach (string side in sides)
                if (!ids.ContainsKey(side))
                    throw file.Malformed($"the merge '{file.Merges[rank]}' needs the token '{side}', which the vocabulary lacks");
            merges.Add((sides[0], sides[1]));
            if (id != last && scored.Add(id)) pieces[id] = pieces[id] with { Score = -rank };
            else areByScore &= id == last;
            last = id;
        }

        HashSet<(string, string)> listed = [.. merges];
        areByScore &= ids.Keys.All(text => SplitsOf(text).All(
            sides => !IsAvailable(sides.Left) || !IsAvailable(sides.Right) || listed.Contains(sides)));
        return areByScore ? null : merges;

        bool IsAvailable(string side) => ids.ContainsKey(side) || IsOneCharacter(side);
    }

    private static IEnumerable<(string Left, string Right)> SplitsOf(string text)
    {
        for (int i = 1; i < text.Length; i++)
            if (!char.IsLowSurrogate(text[i])) yield return (text[..i], text[i..]);
    }

    private static bool IsOneCharacter(string text) => Rune.TryGetRuneAt(text, 0, out Rune rune) && rune.Utf16SequenceLength == text.Length;

    private static bool IsByte(string token) =>
        token is ['<', '0', 'x', var high, var low, '>'] && char.IsAsciiHexDigitUpper(high) && char.IsAsciiHexDigitUpper(low);
}
