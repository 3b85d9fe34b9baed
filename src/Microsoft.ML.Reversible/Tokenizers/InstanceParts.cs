using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Finds out about a tokenizer that the caller has made what a language model must know of it.</summary>
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
                $"The {name} does not tell how many tokens it has. It needs a public property Vocabulary of tokens with " +
                "their ids, as the tokenizers of Microsoft.ML.Tokenizers have it.",
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
        var codec = new InstanceCodec(tokenizer, size, controls, special, BytesOf(tokenizer, size, controls, texts, [end, begin]));
        if (codec.Encode("a").Intersect([end, begin, prefix]).Any())
            throw new ArgumentException(
                $"The {name} puts tokens around every text by itself. Make it without: the trainer puts them where they belong.",
                nameof(tokenizer));
        return new(codec, end, texts.GetValueOrDefault(end, Vocabulary.DefaultEndOfText), begin, prefix,
            texts.GetValueOrDefault(prefix, Vocabulary.DefaultEndOfText), name);

        void Within(int id, string parameter)
        {
            if ((uint)id >= (uint)size)
                throw new ArgumentOutOfRangeException(
                    parameter, id, $"The id must be 0 to {size - 1}, within the vocabulary of the {name}.");
        }
    }

    /// <summary>What a public property of the tokenizer lists; none where it has no such property.</summary>
    /// <remarks>The package has no common type for this, but the same names in all of its tokenizers, which others follow.</remarks>
    private static Dictionary<string, int> Ids(Tokenizer tokenizer, string property) =>
        tokenizer.GetType().GetProperty(property)?.GetValue(tokenizer) is IEnumerable<KeyValuePair<string, int>> ids
            ? new(ids, StringComparer.Ordinal) : [];

    private static int? SizeOf(Tokenizer tokenizer, Dictionary<string, int> known)
    {
        int most = known.Count > 0 ? known.Values.Max() + 1 : 0;
        if (tokenizer is not TiktokenTokenizer) return most > 0 ? most : null;

        // It shows special tokens only, but decodes an id that it lacks to nothing, which no token of its is.
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

    /// <summary>The id of the token that begins a text, whether or not it is put before every text.</summary>
    private static int? BeginOf(Tokenizer tokenizer, Dictionary<string, int> known)
    {
        if (tokenizer is SentencePieceTokenizer pieces) return pieces.BeginningOfSentenceId;
        if (tokenizer is BpeTokenizer { BeginningOfSentenceToken: { } token } && known.TryGetValue(token, out int own)) return own;
        foreach (string begin in _begins)
            if (known.TryGetValue(begin, out int id)) return id;
        return null;
    }

    /// <summary>The bytes of every token where the kind of tokenizer says how to read its vocabulary, else null.</summary>
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
                    pieces.AddDummyPrefix ? starters : []);
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
