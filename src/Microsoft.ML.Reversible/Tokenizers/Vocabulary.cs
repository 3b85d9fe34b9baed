namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>What a tokenizer has learned.</summary>
/// <param name="Kind">What a token is.</param>
/// <param name="Tokens">
/// The tokens, whose ids are their places: characters for <see cref="TextTokenization.Character"/>, else byte sequences in GPT-2's
/// byte alphabet. What is learned here has the characters in code point order, or the 256 bytes in order and then the merges in
/// the order learned, and end-of-text last; what is loaded keeps the order of its file.
/// </param>
/// <param name="Merges">Pairs of tokens with a space between, the first to apply first.</param>
/// <param name="EndOfText">The one of the tokens that ends a document and stands for no text.</param>
internal sealed record Vocabulary(TextTokenization Kind, IReadOnlyList<string> Tokens, IReadOnlyList<string> Merges, string EndOfText)
{
    /// <summary>What ends a document in GPT-2's vocabulary and in what is learned here.</summary>
    public const string DefaultEndOfText = "<|endoftext|>";

    /// <summary>The one of the tokens that is put before every text; the end of a document where none is.</summary>
    public string BeginOfText { get; init; } = EndOfText;

    /// <summary>The one of the tokens that an empty context is.</summary>
    public string Prefix { get; init; } = EndOfText;

    /// <summary>Further ids that stand for no text and that no text has.</summary>
    public IReadOnlySet<int> Controls { get; init; } = new HashSet<int>();

    /// <summary>Ids of tokens written as they stand in text, which are looked for before anything else.</summary>
    public IReadOnlySet<int> Literals { get; init; } = new HashSet<int>();

    /// <summary>Whether every digit is a piece of its own.</summary>
    public bool SplitsDigits { get; init; }

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

    /// <summary>What to throw where rows are needed and none has text.</summary>
    public static InvalidOperationException NoText() =>
        new("The training data has no rows with text. Give at least one row that is not empty.");
}
