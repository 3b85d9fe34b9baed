using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Reads the tokenizer.json of a vocabulary whose tokens are pieces of text: BPE or Unigram, with byte fallback or an unknown token.
/// </summary>
internal static class PieceForm
{
    private static readonly string _space = SentencePieceVocabulary.Space.ToString();

    /// <summary>Reads the vocabulary.</summary>
    /// <exception cref="InvalidDataException">The file is malformed or of another form.</exception>
    public static SentencePieceVocabulary Read(TokenizerJsonFile file, TokenizerConfiguration configuration, string path)
    {
        TokenTable table = TokenTable.Of(file.Tokens, file.Added, configuration, path);
        bool hasBytes = file.Model.IsTrue("byte_fallback");
        bool namesBytes = hasBytes || file.Sequence("decoder", "decoders").Any(part => part.TextOf("type") == "ByteFallback");
        string? unknown = ReadUnknown(file);
        var pieces = new SentencePiece[table.Texts.Length];
        for (int id = 0; id < pieces.Length; id++)
        {
            string text = table.Texts[id];
            PieceKind kind = text == unknown ? PieceKind.Unknown
                : table.Controls.Contains(id) || !file.Tokens.ContainsKey(id) ? PieceKind.Control
                : namesBytes && IsByte(text) ? PieceKind.Byte : PieceKind.Normal;
            pieces[id] = new(SentencePieceVocabulary.TextOrGap(text, id), 0, kind);
        }

        List<(string Left, string Right)>? merges = file.Scores is null ? ReadMerges(file, pieces) : null;
        List<SentencePiece> list = [.. pieces];
        int Find(string? text) => list.FindIndex(piece => piece.Text == text);
        (int end, int unknownId) = (Find("</s>"), Find(unknown));
        PostProcessor around = PostProcessor.Read(file);
        var vocabulary = new SentencePieceVocabulary(
            pieces, unknownId < 0 && hasBytes ? end : unknownId, Find(around.Before ?? "<s>"), end, DummyPrefix.Never,
            RemovesExtraSpaces: false)
        {
            Merges = merges, Scores = file.Scores, Literals = table.Literals, Specials = table.Specials,
            LeastModelSize = table.LeastModelSize, HasByteFallback = hasBytes,
            FusesUnknown = file.Scores is not null || file.Model.IsTrue("fuse_unk"), IgnoresMerges = file.Model.IsTrue("ignore_merges"),
        };
        vocabulary = WithSpaces(vocabulary, file, around);
        vocabulary = vocabulary with { DecodedPrefix = DecodedPrefixes.Read(file, vocabulary.Prefix) };
        return vocabulary.FindFault() is { } fault ? throw file.Malformed(fault) : vocabulary;
    }

    /// <summary>Sets how text is prepared: as SentencePiece does if the file asks for that, else by the steps of the file.</summary>
    private static SentencePieceVocabulary WithSpaces(SentencePieceVocabulary vocabulary, TokenizerJsonFile file, PostProcessor around)
    {
        if (vocabulary is { Scores: null, HasByteFallback: true, IgnoresMerges: false } && FindPrefix(file) is { } known
            && !vocabulary.Literals.Values.Any(IsChanged))
            return vocabulary with { Prefix = known.Prefix, PrefixesEveryStretch = known.BeforeEachStretch };
        return vocabulary with
        {
            Normalizer = TextNormalizer.Read(file), Steps = PieceStep.Read(file),
            BeginsTexts = around.Before is not null || vocabulary is { Scores: null, HasByteFallback: true },
        };

        bool IsChanged(AddedToken token) => token.IsNormalized
            && (known.Prefix == DummyPrefix.Always || token.Content.IndexOfAny([' ', SentencePieceVocabulary.Space]) >= 0);
    }

    private static string? ReadUnknown(TokenizerJsonFile file)
    {
        if (file.Scores is null) return file.Model.TextOf("unk_token");
        return file.Model.TryGet("unk_id", out JsonElement number) && number.TryGetWhole(out int id)
            && file.Tokens.TryGetValue(id, out string? unknown)
            ? unknown
            : throw file.Malformed("its model has no unk_id that is the id of a token");
    }

    /// <summary>Returns when a SentencePiece vocabulary would put a space before text; null if the file asks for something else.</summary>
    private static (DummyPrefix Prefix, bool BeforeEachStretch)? FindPrefix(TokenizerJsonFile file)
    {
        (bool prepends, bool replaces) = (false, false);
        foreach (JsonElement normalizer in file.Sequence("normalizer", "normalizers"))
        {
            if (normalizer.TextOf("type") == "Prepend" && normalizer.TextOf("prepend") == _space && !replaces) prepends = true;
            else if (normalizer.TextOf("type") == "Replace" && normalizer.TextOf("content") == _space
                && normalizer.TryGet("pattern", out JsonElement pattern) && pattern.TextOf("String") == " ") replaces = true;
            else return null;
        }

        switch (file.Sequence("pre_tokenizer", "pretokenizers"))
        {
            case [] when replaces:
                return (prepends ? DummyPrefix.Always : DummyPrefix.Never, true);
            case [var metaspace] when metaspace.TextOf("type") == "Metaspace" && metaspace.TextOf("replacement") == _space && !prepends:
                if (!metaspace.TryGet("split", out JsonElement split) || split.ValueKind != JsonValueKind.False) return null;
                bool? scheme = MetaspaceStep.ReadScheme(metaspace, file);
                return (scheme == false ? DummyPrefix.Never : DummyPrefix.UnlessSpace, metaspace.TextOf("prepend_scheme") != "first");
            default: return null;
        }
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
