using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A tokenizer that the caller has made, with its input restricted to what it handles well.</summary>
/// <remarks>
/// The tokenizers of Microsoft.ML.Tokenizers recognize special tokens anywhere in a text, so that a text could end its own document. Their
/// time is quadratic in the length of a run without white space.
/// </remarks>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="size">Number of ids.</param>
/// <param name="special">The texts that the tokenizer may recognize as special tokens, with their ids.</param>
/// <param name="texts">The text of every token.</param>
internal sealed class InstanceTokenizer(Tokenizer tokenizer, int size, IReadOnlyDictionary<string, int> special, TokenTexts texts)
    : IdTokenizer(texts)
{
    /// <summary>UTF-16 units in the longest run of text without white space, or of white space, that is encoded as a whole.</summary>
    public const int Limit = 1024;

    // Words, numbers, spaces, scripts and signs: what tokenizers differ in.
    private const string Probe = "The quick\tbrown  fox's 1234 jumps —\n\n naïve 猫 😀 über, ДОМ   <s></s><|endoftext|>_x = {1};";

    /// <summary>Finds the special tokens in text.</summary>
    public AddedTokenFinder Finder { get; } = new(special
        .Where(token => token.Key.Length > 0)
        .Select(token => (token.Key, new AddedToken(token.Value, token.Key, IsSpecial: true, Path: ""))));

    private readonly HashSet<int> _specialIds = [.. special.Values];

    private readonly Regex _specialText = new(
        string.Join('|', special.Keys.Where(text => text.Length > 0).OrderByDescending(text => text.Length).Select(Regex.Escape)),
        RegexOptions.CultureInvariant);

    /// <summary>Adds to a hash what distinguishes tokenizers of one type: their ids of a sample, and their tokens.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="controls">The ids that stand for no text.</param>
    public void AddTo(TokenizerHash hash, IReadOnlySet<int> controls)
    {
        hash.Add(tokenizer.GetType().FullName ?? "");
        hash.Add(size);
        hash.Add([.. controls.Order()]);
        hash.Add([.. EncodeToIds(Probe)]);
        for (int id = 0; id < size; id++) hash.Add(Texts.Decode([id], continuation: true));
    }

    /// <inheritdoc/>
    protected override void Append(string text, List<int> ids)
    {
        int start = ids.Count;
        AppendStretch(text, ids);
        if (!ids.Skip(start).Any(_specialIds.Contains)) return;
        ids.RemoveRange(start, ids.Count - start);
        foreach (string stretch in WithoutSpecial(text)) AppendStretch(stretch, ids);
    }

    private void AppendStretch(string text, List<int> ids)
    {
        if (tokenizer is SentencePieceTokenizer pieces)
        {
            ids.AddRange(Checked(Encode(pieces, text)));
            return;
        }
        int start = 0;
        foreach (int end in text.Length <= Limit ? [text.Length] : Ends(text))
        {
            ids.AddRange(Checked(tokenizer.EncodeToIds(text[start..end])));
            start = end;
        }
    }

    /// <summary>
    /// Returns the text in parts, cut after the first character of each text that would become a special token.
    /// </summary>
    private IEnumerable<string> WithoutSpecial(string text)
    {
        int start = 0;
        for (Match match = _specialText.Match(text); match.Success; match = _specialText.Match(text, start))
        {
            int end = match.Index + (char.IsSurrogatePair(text, match.Index) ? 2 : 1);
            yield return text[start..end];
            start = end;
        }
        yield return text[start..];
    }

    // If it removes extra spaces, the package's normalizer drops a text of one character.
    private static IReadOnlyList<int> Encode(SentencePieceTokenizer pieces, string text)
    {
        bool lost = pieces.Normalizer is SentencePieceNormalizer { RemoveExtraWhiteSpaces: true } && text.Trim(' ').Length == 1;
        char space = pieces.EscapeWhiteSpaces ? SentencePieceVocabulary.Space : ' ';
        return pieces.EncodeToIds(
            lost ? (pieces.AddDummyPrefix ? space.ToString() : "") + text.Trim(' ') : text,
            addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: true, considerNormalization: !lost);
    }

    private IReadOnlyList<int> Checked(IReadOnlyList<int> ids)
    {
        foreach (int id in ids)
            if ((uint)id >= (uint)size)
                throw new InvalidOperationException(
                    $"The {tokenizer.GetType().Name} gave the id {id}, but its vocabulary is said to have {size}. Give the right size.");
        return ids;
    }

    private static IEnumerable<int> Ends(string text)
    {
        int run = 0;
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsWhiteSpace(text[i]) != char.IsWhiteSpace(text[i - 1])) run = i;
            if (i - run < Limit || char.IsLowSurrogate(text[i])) continue;
            yield return i;
            run = i;
        }
        yield return text.Length;
    }
}

/// <summary>Decodes with a tokenizer that does not tell the bytes of its tokens.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="size">Number of ids.</param>
/// <param name="controls">The ids that stand for no text.</param>
internal sealed class InstanceTexts(Tokenizer tokenizer, int size, IReadOnlySet<int> controls) : TokenTexts
{
    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool continuation) => tokenizer.Decode(WithText(ids));

    /// <inheritdoc/>
    public override TokenDecoder CreateDecoder(bool continuation) => new Incremental(this);

    /// <inheritdoc/>
    public override long CountBytes(ReadOnlySpan<int> ids) => Encoding.UTF8.GetByteCount(tokenizer.Decode(WithText(ids)));

    private string Decoded(List<int> ids) => tokenizer.Decode(ids);

    private List<int> WithText(ReadOnlySpan<int> ids)
    {
        var kept = new List<int>(ids.Length);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)size)
                throw new ArgumentOutOfRangeException(
                    nameof(id), id, $"The id {id} is outside the vocabulary, whose ids are 0 to {size - 1}.");
            if (!controls.Contains(id)) kept.Add(id);
        }
        return kept;
    }

    /// <summary>
    /// Decodes new ids together with those before, since the text of an id may depend on them, and holds back text that ends in U+FFFD.
    /// </summary>
    private sealed class Incremental(InstanceTexts texts) : TokenDecoder
    {
        private readonly List<int> _ids = [];
        private string _context = "";
        private int _read;

        public override string Append(int id)
        {
            _ids.AddRange(texts.WithText([id]));
            string text = texts.Decoded(_ids);
            return text.Length <= _context.Length || text[^1] == '\uFFFD' ? "" : Take(text);
        }

        public override string Finish() => Take(texts.Decoded(_ids));

        private string Take(string text)
        {
            string added = text.Length > _context.Length ? text[_context.Length..] : "";
            _ids.RemoveRange(0, _read);
            _read = _ids.Count;
            _context = texts.Decoded(_ids);
            return added;
        }
    }
}

/// <summary>Finds the special ids and the vocabulary of a tokenizer that the caller has made.</summary>
internal static class InstanceParts
{
    private const int LongestGap = 4096;

    private static readonly string[] _ends = [Vocabulary.DefaultEndOfText, "</s>", "<|end_of_text|>"];
    private static readonly string[] _begins = ["<s>", "<|begin_of_text|>"];

    /// <summary>Makes the parts.</summary>
    /// <exception cref="ArgumentException">What was left out cannot be found; the message names it.</exception>
    public static TokenizerParts Of(Tokenizer tokenizer, int? endOfTextId, int? beginOfTextId, int? vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        string name = tokenizer.GetType().Name;
        Dictionary<string, int> special = Ids(tokenizer, "SpecialTokens");
        Dictionary<string, int> known = Ids(tokenizer, "Vocabulary");
        foreach ((string token, int id) in special) known[token] = id;

        int size = vocabularySize ?? SizeOf(tokenizer, known)
            ?? throw new ArgumentException(
                $"The {name} does not tell how many tokens it has. It needs a public property Vocabulary with the ids " +
                "of its tokens, like the tokenizers of Microsoft.ML.Tokenizers.",
                nameof(vocabularySize));
        if (size < 1) throw new ArgumentOutOfRangeException(nameof(vocabularySize), size, "The vocabulary must have at least one token.");
        int end = endOfTextId ?? EndOf(tokenizer, known)
            ?? throw new ArgumentException(
                $"The {name} does not tell which id ends a document. Set EndOfTextId in the trainer's options, or eos_token_id in the " +
                "config.json of the model to load.",
                nameof(endOfTextId));
        int begin = beginOfTextId ?? (tokenizer as SentencePieceTokenizer)?.BeginningOfSentenceId ?? end;
        Within(end, nameof(endOfTextId));
        Within(begin, nameof(beginOfTextId));
        int prefix = BeginOf(tokenizer, known) ?? begin;

        var controls = new HashSet<int>(special.Values) { end, begin };
        var texts = new Dictionary<int, string>();
        foreach ((string token, int id) in known) texts.TryAdd(id, token);
        TokenTexts decoder = BytesOf(tokenizer, size, controls, texts, [end, begin])
            ?? (TokenTexts)new InstanceTexts(tokenizer, size, controls);
        var guarded = new InstanceTokenizer(tokenizer, size, special, decoder);
        if (guarded.EncodeToIds("a").Intersect([end, begin, prefix]).Any())
            throw new ArgumentException(
                $"The {name} adds tokens around every text. Make it without them: the trainer adds them where they belong.",
                nameof(tokenizer));
        return new(
            guarded, decoder, size, hash => guarded.AddTo(hash, controls), end, texts.GetValueOrDefault(end, Vocabulary.DefaultEndOfText),
            begin, prefix, texts.GetValueOrDefault(prefix, Vocabulary.DefaultEndOfText), name);

        void Within(int id, string parameter)
        {
            if ((uint)id >= (uint)size)
                throw new ArgumentOutOfRangeException(
                    parameter, id, $"The id must be 0 to {size - 1}, within the vocabulary of the {name}.");
        }
    }

    /// <summary>Reads a public property of the tokenizer that lists tokens with ids; empty where it has no such property.</summary>
    /// <remarks>The package has no common type for this, but the same names in all of its tokenizers, which others follow.</remarks>
    private static Dictionary<string, int> Ids(Tokenizer tokenizer, string property) =>
        tokenizer.GetType().GetProperty(property)?.GetValue(tokenizer) is IEnumerable<KeyValuePair<string, int>> ids
            ? new(ids, StringComparer.Ordinal) : [];

    private static int? SizeOf(Tokenizer tokenizer, Dictionary<string, int> known)
    {
        int most = known.Count > 0 ? known.Values.Max() + 1 : 0;
        if (tokenizer is not TiktokenTokenizer) return most > 0 ? most : null;

        // Its properties list only special tokens, but it decodes each id that it has to some text, and other ids to an empty text.
        for (int id = 0; id < most + LongestGap; id++)
            if (tokenizer.Decode([id]).Length > 0) most = Math.Max(most, id + 1);
        return most > 0 ? most : null;
    }

    private static int? EndOf(Tokenizer tokenizer, Dictionary<string, int> known)
    {
        if (tokenizer is SentencePieceTokenizer pieces) return pieces.EndOfSentenceId;
        foreach (string end in _ends)
            if (known.TryGetValue(end, out int id)) return id;
        return null;
    }

    /// <summary>Returns the id of the token that begins a text, whether or not it is put before every text.</summary>
    private static int? BeginOf(Tokenizer tokenizer, Dictionary<string, int> known)
    {
        if (tokenizer is SentencePieceTokenizer pieces) return pieces.BeginningOfSentenceId;
        if (tokenizer is BpeTokenizer { BeginningOfSentenceToken: { } token } && known.TryGetValue(token, out int own)) return own;
        foreach (string begin in _begins)
            if (known.TryGetValue(begin, out int id)) return id;
        return null;
    }

    /// <summary>Returns the bytes of every token if the tokenizer's type defines how its vocabulary is written; else null.</summary>
    private static TokenBytes? BytesOf(
        Tokenizer tokenizer, int size, HashSet<int> controls, Dictionary<int, string> texts, int[] starters)
    {
        switch (tokenizer)
        {
            case BpeTokenizer { ByteLevel: true }:
                return new(Table(text => ByteAlphabet.Covers(text) ? ByteAlphabet.Read(text) : Encoding.UTF8.GetBytes(text)));
            case SentencePieceTokenizer { EscapeWhiteSpaces: true } pieces:
                controls.Add(pieces.UnknownId);
                return new(
                    Table(text => pieces.ByteFallback && ByteIn(text) is { } value
                        ? [value] : Encoding.UTF8.GetBytes(text.Replace(SentencePieceVocabulary.Space, ' '))),
                    pieces.AddDummyPrefix ? DecodedPrefix.OneSpace : DecodedPrefix.None, starters);
            default:
                return null;
        }

        byte[][] Table(Func<string, byte[]> read) => [.. Enumerable.Range(0, size).Select(
            id => controls.Contains(id) || !texts.TryGetValue(id, out string? text) ? [] : read(text))];
    }

    private static byte? ByteIn(string text) =>
        text is ['<', '0', 'x', _, _, '>']
        && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;
}
