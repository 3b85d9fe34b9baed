using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Tokens and merges, and how text is prepared for them.</summary>
/// <param name="Kind">What a token is.</param>
/// <param name="Tokens">
/// The tokens, whose ids are their indices: characters for <see cref="TextTokenization.Character"/>, else byte sequences in GPT-2's
/// byte alphabet. A learned vocabulary has the characters in code point order, or the 256 bytes in order and then the merges in the order
/// learned, and end-of-text last. A loaded one keeps the order of its file.
/// </param>
/// <param name="Merges">Pairs of tokens with a space between, the first to apply first.</param>
/// <param name="EndOfText">The token that ends a document. It stands for no text.</param>
internal sealed record Vocabulary(TextTokenization Kind, IReadOnlyList<string> Tokens, IReadOnlyList<string> Merges, string EndOfText)
{
    /// <summary>The token that ends a document in GPT-2's vocabulary and in learned ones.</summary>
    public const string DefaultEndOfText = "<|endoftext|>";

    // Digits of tokenizer.json, followed by GPT-2's rule.
    private static readonly string[] _singleDigits = [@"\p{N}", Gpt2PreTokenizer.Expression];

    /// <summary>The token put before every text; <see cref="EndOfText"/> where none is.</summary>
    public string BeginOfText { get; init; } = EndOfText;

    /// <summary>The token that stands for an empty context.</summary>
    public string Prefix { get; init; } = EndOfText;

    /// <summary>Ids of other tokens that stand for no text. No text is encoded to them.</summary>
    public IReadOnlySet<int> Controls { get; init; } = new HashSet<int>();

    /// <summary>The tokens that are found in text, as they are written, before anything else, by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> Literals { get; init; } = new Dictionary<int, AddedToken>();

    /// <summary>The added tokens that stand for no text, which are found in text only where that is asked for, by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> Specials { get; init; } = new Dictionary<int, AddedToken>();

    /// <summary>Whether the token that ends a document is also put after every text.</summary>
    public bool EndsTexts { get; init; }

    /// <summary>The least number of ids of a model for this vocabulary; added tokens may have ids beyond it.</summary>
    public int LeastModelSize { get; init; } = Tokens.Count;

    /// <summary>The regular expressions that cut a text into pieces: the first cuts the text, each next one the pieces.</summary>
    public IReadOnlyList<string> Cuts { get; init; } = [Gpt2PreTokenizer.Expression];

    /// <summary>Cuts a text into pieces, by <see cref="Cuts"/>.</summary>
    public PreTokenizer PreTokenizer { get; init; } = Gpt2PreTokenizer.Instance;

    /// <summary>Whether a text that does not begin with a space gets one.</summary>
    public bool AddsPrefixSpace { get; init; }

    /// <summary>Changes a text before it is cut.</summary>
    public TextNormalizer Normalizer { get; init; } = TextNormalizer.None;

    /// <summary>Whether a piece that is a token as a whole becomes that token, whatever the merges.</summary>
    public bool IgnoresMerges { get; init; }

    /// <summary>The vocabulary of files. The tokens that end a text and come before one are found in no text.</summary>
    public static Vocabulary Of(
        TextTokenization kind, TokenTable table, IReadOnlyList<string> merges, (string End, string Begin, string Prefix) special)
    {
        ILookup<bool, AddedToken> added = table.Literals.Values.ToLookup(
            token => token.Content == special.End || token.Content == special.Begin);
        return new(kind, table.Texts, merges, special.End)
        {
            BeginOfText = special.Begin,
            Prefix = special.Prefix,
            // A byte's token stands for the byte, even if a file takes it for padding.
            Controls = table.Controls.Concat(added[true].Select(token => token.Id))
                .Where(id => table.Texts[id].Length != 1 || !ByteAlphabet.Covers(table.Texts[id])).ToHashSet(),
            Literals = added[false].ToDictionary(token => token.Id),
            Specials = table.Specials.Values.Concat(added[true]).ToDictionary(token => token.Id),
            LeastModelSize = table.LeastModelSize,
        };
    }

    /// <summary>The vocabulary of <see cref="TextTokenization.Byte"/>.</summary>
    public static Vocabulary OfBytes()
    {
        var bytes = Enumerable.Range(0, 256).Select(value => ByteAlphabet.Char((byte)value).ToString());
        return new(TextTokenization.Byte, [.. bytes, DefaultEndOfText], [], DefaultEndOfText);
    }

    /// <summary>The vocabulary of <see cref="TextTokenization.Character"/> for some text.</summary>
    /// <exception cref="InvalidOperationException">There is no text.</exception>
    public static Vocabulary OfCharacters(IEnumerable<string> texts)
    {
        var seen = new SortedSet<int>();
        foreach (string text in texts)
            foreach (var rune in text.EnumerateRunes()) seen.Add(rune.Value);
        if (seen.Count == 0) throw NoText();
        return new(TextTokenization.Character, [.. seen.Select(char.ConvertFromUtf32), DefaultEndOfText], [], DefaultEndOfText);
    }

    /// <summary>The exception for training data in which no row has text.</summary>
    public static InvalidOperationException NoText() =>
        new("The training data has no rows with text. Give at least one row that is not empty.");

    /// <summary>Whether a token stands for no text.</summary>
    public bool StandsForNoText(int id) => Tokens[id] == EndOfText || Tokens[id] == BeginOfText || Controls.Contains(id);

    /// <summary>The bytes of every token.</summary>
    public TokenBytes Texts() => new([.. Tokens.Select((token, id) =>
        StandsForNoText(id) ? []
            : Kind == TextTokenization.Character || Literals.ContainsKey(id) ? Encoding.UTF8.GetBytes(token) : ByteAlphabet.Read(token))]);

    /// <summary>Adds to a hash all that decides which ids a text has.</summary>
    /// <remarks>Token caches name their tokenizer by this hash, so what was hashed first keeps its place; new properties follow.</remarks>
    public void AddTo(TokenizerHash hash)
    {
        hash.Add(Kind.ToString());
        hash.Add(Tokens);
        hash.Add(Merges);
        hash.Add([.. Controls.Order()]);
        hash.Add([.. Literals.Keys.Order()]);
        bool splitsDigits = Cuts.SequenceEqual(_singleDigits);
        hash.Add(splitsDigits ? 1 : 0);
        hash.Add(ByteLevelTokenizer.LongestPiece);
        if (Kind == TextTokenization.Bpe) hash.Add("GPT-2's pieces over code points");
        if (!splitsDigits && Cuts is not [Gpt2PreTokenizer.Expression]) hash.Add(Cuts);
        if (AddsPrefixSpace) hash.Add("a space before every text");
        if (Normalizer.Names is ["NFC"]) hash.Add("NFC");
        else if (!Normalizer.IsIdentity) hash.Add(Normalizer.Names);
        if (IgnoresMerges) hash.Add("ignore_merges");
        foreach ((int id, AddedToken token) in Literals.OrderBy(literal => literal.Key))
        {
            if (token.TakesSpaceBefore || token.TakesSpaceAfter) hash.Add($"{id}: {token.TakesSpaceBefore}, {token.TakesSpaceAfter}");
            if (token.IsSingleWord) hash.Add($"{id}: a word");
            if (token.IsNormalized && !Normalizer.IsIdentity) hash.Add($"{id}: normalized");
        }
    }

    /// <summary>Checks a vocabulary that was read from files.</summary>
    /// <exception cref="InvalidDataException">The vocabulary is malformed; the message names the file and what is wrong.</exception>
    public void Check(string vocabularyPath, string mergesPath)
    {
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        foreach (string token in Tokens)
            if (token.Length > 0 && !tokens.Add(token))
                throw TokenizerJson.Malformed(vocabularyPath, $"it has the token '{token}' twice");
        if (!tokens.Contains(EndOfText))
            throw TokenizerJson.Malformed(vocabularyPath, $"it lacks the token '{EndOfText}', which ends a document");
        if (!tokens.Contains(BeginOfText))
            throw TokenizerJson.Malformed(vocabularyPath, $"it lacks the token '{BeginOfText}', which comes before a document");
        if (!tokens.Contains(Prefix))
            throw TokenizerJson.Malformed(
                vocabularyPath,
                $"it lacks the token '{Prefix}', which tokenizer_config.json or special_tokens_map.json has as bos_token");

        for (int id = 0; id < Tokens.Count; id++)
            if (!StandsForNoText(id) && !Literals.ContainsKey(id) && !Fits(Tokens[id]))
                throw TokenizerJson.Malformed(vocabularyPath, $"the token '{Tokens[id]}' of id {id} is not {Form}");

        if (Kind == TextTokenization.Character && (Literals.Count > 0 || Tokens.Contains("")))
            throw TokenizerJson.Malformed(vocabularyPath, "it has added tokens or gaps, which Character tokenization does not have");
        if (Kind != TextTokenization.Bpe && Merges.Count > 0)
            throw TokenizerJson.Malformed(mergesPath, $"it has merges, which {Kind} tokenization does not have");

        HashSet<string> special = [EndOfText, BeginOfText, .. Controls.Select(id => Tokens[id])];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string merge in Merges)
        {
            if (!seen.Add(merge)) throw TokenizerJson.Malformed(mergesPath, $"it has the merge '{merge}' twice");
            string[] parts = merge.Split(' ');
            if (special.Contains(string.Concat(parts)))
                throw TokenizerJson.Malformed(mergesPath, $"the merge '{merge}' makes a special token, which no text may contain");
            foreach (string part in (string[])[.. parts, string.Concat(parts)])
                if (!tokens.Contains(part))
                    throw TokenizerJson.Malformed(mergesPath, $"the merge '{merge}' needs the token '{part}', which the vocabulary lacks");
        }
    }

    private string Form => Kind switch
    {
        TextTokenization.Character => "one character",
        TextTokenization.Byte => "one byte in GPT-2's byte alphabet",
        _ => "written in GPT-2's byte alphabet",
    };

    private bool Fits(string token) => Kind switch
    {
        TextTokenization.Character => Rune.DecodeFromUtf16(token, out _, out int length) == OperationStatus.Done && length == token.Length,
        TextTokenization.Byte => token.Length == 1 && ByteAlphabet.Covers(token),
        _ => token.Length > 0 && ByteAlphabet.Covers(token),
    };
}
