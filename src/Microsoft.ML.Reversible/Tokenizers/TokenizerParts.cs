using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The result of reading a tokenizer: the tokenizer, the text of its tokens, and its special ids.</summary>
/// <param name="Tokenizer">Turns text into ids.</param>
/// <param name="Texts">Turns ids into text.</param>
/// <param name="VocabularySize">Number of ids, which run from 0.</param>
/// <param name="AddToHash">Adds to a hash all that decides which ids a text has.</param>
/// <param name="EndOfTextId">The id that ends a document.</param>
/// <param name="EndOfText">How it is written.</param>
/// <param name="BeginOfTextId">The id put before every text; <paramref name="EndOfTextId"/> where none is.</param>
/// <param name="PrefixId">The id that stands for an empty context.</param>
/// <param name="Prefix">How it is written.</param>
/// <param name="ClassName">Hugging Face's class for the tokenizer.</param>
internal sealed record TokenizerParts(
    Tokenizer Tokenizer, TokenTexts Texts, int VocabularySize, Action<TokenizerHash> AddToHash,
    int EndOfTextId, string EndOfText, int BeginOfTextId, int PrefixId, string Prefix, string ClassName)
{
    /// <summary>The least number of ids of a model; only added tokens have ids from this number on.</summary>
    public int LeastModelSize { get; init; } = VocabularySize;

    /// <summary>Whether the token that ends a document is also put after every text.</summary>
    public bool EndsTexts { get; init; }

    /// <summary>Describes the tokenizer for a GGUF file; null if nothing is known of its tokens.</summary>
    public Func<GgufTokens>? Describe { get; init; }

    /// <summary>Makes the parts of a vocabulary that has been checked.</summary>
    public static TokenizerParts Of(Vocabulary vocabulary, string className)
    {
        List<string> tokens = [.. vocabulary.Tokens];
        Tokenizer tokenizer = vocabulary.Kind == TextTokenization.Character
            ? new CharacterTokenizer(vocabulary.Tokens)
            : new ByteLevelTokenizer(vocabulary);
        return new(
            tokenizer, (tokenizer as IdTokenizer)?.Texts ?? vocabulary.Texts(), tokens.Count, vocabulary.AddTo,
            tokens.IndexOf(vocabulary.EndOfText), vocabulary.EndOfText, tokens.IndexOf(vocabulary.BeginOfText),
            tokens.IndexOf(vocabulary.Prefix), vocabulary.Prefix, className)
        {
            LeastModelSize = vocabulary.LeastModelSize, EndsTexts = vocabulary.EndsTexts,
            Describe = () => GgufTokens.Of(vocabulary),
        };
    }

    /// <summary>Makes the parts of a vocabulary that has been checked.</summary>
    public static TokenizerParts Of(SentencePieceVocabulary vocabulary, (int End, int Begin, int Prefix) ids, string className)
    {
        // The tokens that end a text and come before one are found in no text.
        vocabulary = vocabulary with
        {
            Literals = vocabulary.Literals.Where(token => token.Key != ids.End && token.Key != ids.Begin).ToDictionary(),
            Specials = vocabulary.Specials
                .Concat(vocabulary.Literals.Where(token => token.Key == ids.End || token.Key == ids.Begin)).ToDictionary(),
        };
        var tokenizer = new PieceTokenizer(vocabulary, ids.End, ids.Begin);
        return new(
            tokenizer, tokenizer.Texts, vocabulary.Pieces.Count, vocabulary.AddTo, ids.End, vocabulary.Pieces[ids.End].Text,
            ids.Begin, ids.Prefix, vocabulary.Pieces[ids.Prefix].Text, className)
        {
            LeastModelSize = vocabulary.LeastModelSize, EndsTexts = vocabulary.EndsTexts,
            Describe = () => GgufTokens.Of(vocabulary),
        };
    }
}
