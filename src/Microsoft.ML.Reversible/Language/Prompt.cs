using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The tokens to continue.</summary>
/// <param name="Ids">The ids, at least one.</param>
/// <param name="MakeDecoder">Creates the decoder of the new ids; null if only ids are needed.</param>
internal sealed record Prompt(IReadOnlyList<int> Ids, Func<TokenDecoder>? MakeDecoder)
{
    /// <summary>Ids that end the continuation besides those of the model; null for none.</summary>
    public IReadOnlySet<int>? OwnEnds { get; init; }

    /// <summary>
    /// Encodes a text. A begin-of-text token that does not also end texts is put before it, as for Llama; for GPT-2, one token does both
    /// and is not added. The tokenizer decides this, not config.json, which may name a token that the tokenizer never adds. An empty text
    /// becomes the token for an empty context.
    /// </summary>
    /// <exception cref="ArgumentException">The text has a character that the vocabulary cannot represent.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static Prompt Of(LanguageModel model, string text)
    {
        LanguageModelTokenizer tokenizer = model.Tokenizer;
        int[] ids = tokenizer.Encode(text);
        int[] before = BeginsTexts(model) ? [tokenizer.BeginOfTextId] : ids.Length == 0 ? [tokenizer.PrefixId] : [];
        return new([.. before, .. ids], () => tokenizer.CreateDecoder(continuation: ids.Length > 0));
    }

    /// <summary>Returns whether the tokenizer puts the begin-of-text token before every text, as Llama's does.</summary>
    public static bool BeginsTexts(LanguageModel model) => !Ends(model).Contains(model.Tokenizer.BeginOfTextId);

    /// <summary>
    /// Returns the ids that end a generated text: those of generation_config.json, as transformers uses them, or else all ids that end a
    /// text.
    /// </summary>
    public static IReadOnlySet<int> EndsOfGeneration(LanguageModel model) =>
        model.SpecialTokens.EndOfGeneration is { } ends ? ends.ToHashSet() : Ends(model);

    /// <summary>Returns the ids that end a text; none if neither configuration nor tokenizer names one.</summary>
    public static IReadOnlySet<int> Ends(LanguageModel model)
    {
        HashSet<int> ends = [.. model.SpecialTokens.EndOfText];
        if (model.HasTokenizer) ends.Add(model.Tokenizer.EndOfTextId);
        return ends;
    }
}
